/**
 * The options of `open`: checked, defaults filled in, sizes rounded. Main thread, before any file
 * is touched.
 */
import { availableParallelism } from 'node:os';
import {
  APPLY_WORKERS_MAX,
  GIB,
  KIB,
  MIB,
  PAGE_BYTES_DEFAULT,
  PAGE_BYTES_MAX,
  PAGE_BYTES_MIN,
  RING_RECORDS_MAX,
  SEGMENT_ROWS,
} from '@manifold-db/storage';
import type { CommitMode, Durability, OptionsInForce } from '../types.js';
import { booleanOption, requireOptions, signalOption, wholeOption, wordOption } from './checks.js';

export const DURABILITIES: readonly Durability[] = ['immediate', 'async', 'none'];

const MODES: readonly CommitMode[] = ['buffered', 'pipelined', 'async-wal', 'sequential'];
const MODE_DEFAULT = 'buffered';

const CACHE_BYTES_DEFAULT = 64 * MIB;
const CACHE_BYTES_MIN = MIB;
const CACHE_BYTES_MAX = 64 * GIB;
/** Fewer frames could not hold the pages that one commit and its readers need at once. */
const CACHE_PAGES_MIN = 256;

const WAL_RING_BYTES = { min: MIB, max: GIB };
const WAL_RING_BYTES_DEFAULT = 4 * MIB;
const WAL_SEGMENT_UNIT_BYTES = 64 * KIB;
const WAL_SEGMENT_BYTES = { min: 2 * MIB, max: 2 * GIB - WAL_SEGMENT_UNIT_BYTES };
const WAL_SEGMENT_BYTES_DEFAULT = 8 * MIB;
/** What a segment holds beyond a full ring: one block's slack at either end. */
const WAL_SEGMENT_BYTES_BEYOND_RING = 2 * MIB;
const WAL_SEGMENTS_MIN = 4;
/** Segments whose last sequence the log-space table can hold, less those in transition. */
const WAL_SEGMENTS_MAX = SEGMENT_ROWS - 8;
const WAL_BYTES_MAX_DEFAULT = 256 * MIB;

const PENDING_BYTES = { min: 64 * KIB, max: 64 * GIB };
const PENDING_BYTES_DEFAULT = 16 * MIB;
const PENDING_COMMITS = { min: 1, max: RING_RECORDS_MAX };
const PENDING_COMMITS_DEFAULT = 4096;
/** The longest time a timer can hold. */
const CHECKPOINT_INTERVAL_MS = { min: 0, max: 2 ** 31 - 1 };
const CHECKPOINT_INTERVAL_MS_DEFAULT = 5000;

const WRITE_BUFFER_BYTES = { min: MIB, max: GIB };
const WRITE_BUFFER_BYTES_DEFAULT = 24 * MIB;
/** Generations are made of whole units. */
const WRITE_BUFFER_UNIT_BYTES = 64 * KIB;
const WRITE_BUFFER_COUNT = { min: 2, max: 64 };
const WRITE_BUFFER_COUNT_DEFAULT = 4;

const APPLY_WORKERS = { min: 1, max: APPLY_WORKERS_MAX };
const POOL_WORKERS = { min: 1, max: 64 };
const POOL_WORKERS_DEFAULT_MAX = 2;

const NAMES = [
  'mode',
  'durability',
  'workers',
  'createIfMissing',
  'errorIfExists',
  'readOnly',
  'pageBytes',
  'cacheBytes',
  'writeBufferBytes',
  'writeBufferCount',
  'walRingBytes',
  'walSegmentBytes',
  'walBytesMax',
  'pendingBytesMax',
  'pendingCommitsMax',
  'checkpointIntervalMs',
  'signal',
];

type Given = Readonly<Record<string, unknown>>;

/** What `open` works with. */
export interface CheckedOpenOptions {
  readonly options: OptionsInForce;
  /** The page size was asked for, so an existing database must have it. */
  readonly pageBytesGiven: boolean;
  readonly signal: AbortSignal | undefined;
}

function workersOf(given: Given): OptionsInForce['workers'] {
  const workers = requireOptions(given['workers'], ['apply', 'pool'], 'options.workers');
  const poolDefault = Math.min(POOL_WORKERS_DEFAULT_MAX, availableParallelism());
  return {
    apply: wholeOption(workers['apply'], 'options.workers.apply', APPLY_WORKERS, 1),
    pool: wholeOption(workers['pool'], 'options.workers.pool', POOL_WORKERS, poolDefault),
  };
}

type Presence = Pick<OptionsInForce, 'createIfMissing' | 'errorIfExists' | 'readOnly'>;

function presenceOf(given: Given): Presence {
  const readOnly = booleanOption(given['readOnly'], 'options.readOnly', false);
  const createIfMissing = booleanOption(
    given['createIfMissing'],
    'options.createIfMissing',
    !readOnly,
  );
  const errorIfExists = booleanOption(given['errorIfExists'], 'options.errorIfExists', false);
  if (readOnly && createIfMissing) {
    throw new TypeError('options.readOnly and options.createIfMissing exclude each other');
  }
  if (errorIfExists && !createIfMissing) {
    throw new TypeError('options.errorIfExists needs options.createIfMissing');
  }
  return { createIfMissing, errorIfExists, readOnly };
}

function pageBytesOf(given: Given): number {
  const limits = { min: PAGE_BYTES_MIN, max: PAGE_BYTES_MAX };
  const name = 'options.pageBytes';
  const pageBytes = wholeOption(given['pageBytes'], name, limits, PAGE_BYTES_DEFAULT);
  if ((pageBytes & (pageBytes - 1)) !== 0) {
    throw new RangeError(`${name} must be a power of two, not ${pageBytes}`);
  }
  return pageBytes;
}

function wholePages(bytes: number, pageBytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

function cacheBytesOf(given: Given, pageBytes: number): number {
  const limits = {
    min: Math.max(CACHE_BYTES_MIN, CACHE_PAGES_MIN * pageBytes),
    max: CACHE_BYTES_MAX,
  };
  const asked = wholeOption(given['cacheBytes'], 'options.cacheBytes', limits, CACHE_BYTES_DEFAULT);
  return wholePages(asked, pageBytes);
}

type WalSizes = Pick<OptionsInForce, 'walRingBytes' | 'walSegmentBytes' | 'walBytesMax'>;

function walSizesOf(given: Given): WalSizes {
  const ringName = 'options.walRingBytes';
  const ring = wholeOption(given['walRingBytes'], ringName, WAL_RING_BYTES, WAL_RING_BYTES_DEFAULT);
  const walRingBytes = 2 ** Math.ceil(Math.log2(ring));

  const segmentName = 'options.walSegmentBytes';
  const segmentMin = walRingBytes + WAL_SEGMENT_BYTES_BEYOND_RING;
  const segmentDefault = Math.max(WAL_SEGMENT_BYTES_DEFAULT, segmentMin);
  const walSegmentBytes = wholeOption(
    given['walSegmentBytes'],
    segmentName,
    WAL_SEGMENT_BYTES,
    segmentDefault,
  );
  if (walSegmentBytes % WAL_SEGMENT_UNIT_BYTES !== 0) {
    throw new RangeError(
      `${segmentName} must be a multiple of ${WAL_SEGMENT_UNIT_BYTES}, not ${walSegmentBytes}`,
    );
  }
  if (walSegmentBytes < segmentMin) {
    throw new RangeError(
      `${segmentName} must be at least ${segmentMin} with a ring of ${walRingBytes} bytes ` +
        `(${ringName}), not ${walSegmentBytes}`,
    );
  }

  const totalMin = WAL_SEGMENTS_MIN * walSegmentBytes;
  const walBytesMax = wholeOption(
    given['walBytesMax'],
    `options.walBytesMax (with segments of ${walSegmentBytes} bytes)`,
    { min: totalMin, max: WAL_SEGMENTS_MAX * walSegmentBytes },
    Math.max(WAL_BYTES_MAX_DEFAULT, totalMin),
  );
  return { walRingBytes, walSegmentBytes, walBytesMax };
}

function wholeUnits(bytes: number): number {
  return Math.ceil(bytes / WRITE_BUFFER_UNIT_BYTES) * WRITE_BUFFER_UNIT_BYTES;
}

type Bounds = Pick<
  OptionsInForce,
  | 'writeBufferBytes'
  | 'writeBufferCount'
  | 'pendingBytesMax'
  | 'pendingCommitsMax'
  | 'checkpointIntervalMs'
>;

function boundsOf(given: Given): Bounds {
  const whole = (
    name: keyof Bounds,
    limits: { min: number; max: number },
    fallback: number,
  ): number => wholeOption(given[name], `options.${name}`, limits, fallback);
  return {
    writeBufferBytes: wholeUnits(
      whole('writeBufferBytes', WRITE_BUFFER_BYTES, WRITE_BUFFER_BYTES_DEFAULT),
    ),
    writeBufferCount: whole('writeBufferCount', WRITE_BUFFER_COUNT, WRITE_BUFFER_COUNT_DEFAULT),
    pendingBytesMax: whole('pendingBytesMax', PENDING_BYTES, PENDING_BYTES_DEFAULT),
    pendingCommitsMax: whole('pendingCommitsMax', PENDING_COMMITS, PENDING_COMMITS_DEFAULT),
    checkpointIntervalMs: whole(
      'checkpointIntervalMs',
      CHECKPOINT_INTERVAL_MS,
      CHECKPOINT_INTERVAL_MS_DEFAULT,
    ),
  };
}

/**
 * Checks what was passed to `open`.
 *
 * @throws TypeError for a wrong type, an unknown name or options that exclude each other;
 *   RangeError for a value outside its limits
 */
export function checkOpenOptions(options: unknown): CheckedOpenOptions {
  const given = requireOptions(options, NAMES, 'options');
  const pageBytes = pageBytesOf(given);
  return {
    options: {
      mode: wordOption(given['mode'], 'options.mode', MODES, MODE_DEFAULT),
      durability: wordOption(given['durability'], 'options.durability', DURABILITIES, 'immediate'),
      workers: workersOf(given),
      ...presenceOf(given),
      pageBytes,
      cacheBytes: cacheBytesOf(given, pageBytes),
      ...walSizesOf(given),
      ...boundsOf(given),
    },
    pageBytesGiven: given['pageBytes'] !== undefined,
    signal: signalOption(given['signal'], 'options.signal'),
  };
}

/** The same options for a database that exists with another page size. */
export function withPageBytes(options: OptionsInForce, pageBytes: number): OptionsInForce {
  const cacheBytes = Math.max(options.cacheBytes, CACHE_PAGES_MIN * pageBytes);
  return { ...options, pageBytes, cacheBytes: wholePages(cacheBytes, pageBytes) };
}
