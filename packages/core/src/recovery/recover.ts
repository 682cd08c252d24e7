/**
 * From files to an engine that knows the newest recovered version: checkpoint, catalog, replay of
 * the log, cut of its tail. Runs on the opening thread before any worker; idempotent: up to the cut
 * nothing durable is changed, and the cut changes nothing that counts.
 */
import { join } from 'node:path';
import {
  BIRTH_LIMIT,
  DATA_FILE_NAME,
  ManifoldError,
  PART_WORDS,
  PROGRESS_TEST_SWITCH,
  Pager,
  PendingEntry,
  ROOTS_ADMITTED,
  ROOT_WORDS,
  SEGMENT_RECYCLED_NAME,
  TEST_SWITCH_TAIL_NOT_CUT,
  THREAD_MAIN,
  admittedRowAt,
  attachShared,
  createSegment,
  createSharedBuffers,
  cutTail,
  initializeLogSpace,
  initializePageMemory,
  initializeVersion,
  isTestSwitchOn,
  loadCatalog,
  loadCheckpoint,
  recordBytesFor,
  scanLog,
  seedFreePages,
  segmentFileName,
  skipBirths,
  usedSlots,
  type AllocateShared,
  type LoadedCheckpoint,
  type LogScanResult,
  type LogSegment,
  type LogTail,
  type SharedBuffers,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';
import { Engine } from '../engine.js';
import { sharedSizes } from '../options/index.js';
import type { Host } from '../supervise/host.js';
import type { OptionsInForce } from '../types.js';
import { Replay } from './replay.js';
import { syncFiles, syncLog } from './sync-files.js';

/**
 * Births given out since the checkpoint must not come again: pages with them may stand in the file.
 * A run that crashed with commits in its log has taken fewer than this.
 */
const BIRTHS_OF_A_CRASH = 2 ** 26;
/** Without any commit since, only transactions that were given up can have taken some. */
const BIRTHS_OF_NO_COMMIT = 2 ** 16;
/** Left for one run: weeks of writing at full speed. */
const BIRTHS_OF_A_RUN = 2 ** 40;

export interface RecoverInput {
  readonly path: string;
  readonly options: OptionsInForce;
  readonly vfs: Vfs;
  readonly host: Host;
  readonly signal: AbortSignal | undefined;
  /** Where all threads note their stage times, if anyone asked for them. */
  readonly trace: SharedArrayBuffer | undefined;
  /** Bugs put back by a test (TEST_SWITCH_*). */
  readonly testSwitches: number;
  /** Instead of new memory. */
  readonly allocate: AllocateShared | undefined;
}

export interface Recovered {
  readonly engine: Engine;
  readonly buffers: SharedBuffers;
  readonly checkpoint: LoadedCheckpoint;
  readonly scan: LogScanResult;
  /** Where the fsync worker goes on. */
  readonly segmentNumber: number;
  readonly offset: number;
  /** Log files that may be recycled, by name. */
  readonly obsoleteSegments: readonly string[];
  /** Free pages below this number stand on the shared stack already. */
  readonly seededBelow: number;
  /** The replayed changes on their way to the apply workers; `undefined` when there are none. */
  readonly pending: PendingEntry | undefined;
}

export function recover(input: RecoverInput): Recovered {
  const { path, options, vfs } = input;
  if (!options.readOnly) syncFiles(vfs, path);
  const dataFile = vfs.open(join(path, DATA_FILE_NAME), options.readOnly ? 'read' : 'read-write');
  try {
    return recoverWith(input, dataFile);
  } catch (error) {
    dataFile.close();
    throw error;
  }
}

/** `dataFile` stays open: it is the main thread's from here on. */
function recoverWith(input: RecoverInput, dataFile: VfsFile): Recovered {
  const { path, options, vfs } = input;
  const startedMs = input.host.now();
  const checkpoint = loadCheckpoint(vfs, path);
  const { meta } = checkpoint;
  const regions = createSharedBuffers(sharedSizes(options), input.allocate);
  const buffers = input.trace === undefined ? regions : { ...regions, trace: input.trace };
  const engine = openPages(input, buffers, checkpoint, dataFile);
  const seededBelow = seedFreePages(engine.pager, checkpoint.freeMap.inUse, meta.pageCount);
  const skipCrashed = (): void => skipBirths(engine.shared, BIRTHS_OF_A_CRASH);
  const replay = new Replay(engine, meta.sequence, input.signal, skipCrashed);
  const found = scanLog(
    vfs,
    path,
    {
      databaseId: meta.databaseId,
      fromSequence: meta.sequence,
      oldestSegment: meta.walSegmentNumber,
      testSwitches: input.testSwitches,
    },
    replay,
  );
  if (replay.commits === 0 && found.tail.needsCut) skipCrashed();
  const scan = options.readOnly ? found : withSegmentBytes(input, found);
  const pending = admitReplayed(engine, replay);
  engine.lastCommitted = scan.lastSequence;
  const position = options.readOnly ? undefined : prepareLog(input, engine, scan, checkpoint);
  engine.recovery = {
    created: false,
    clean: replay.commits === 0 && !found.tail.needsCut,
    checkpointSequence: meta.sequence,
    lastSequence: scan.lastSequence,
    commitsReplayed: replay.commits,
    bytesReplayed: replay.bytes,
    segmentsRead: scan.segments.filter((segment) => segment.role === 'live').length,
    bytesCut: scan.tail.cutBytes,
    cutAt:
      scan.tail.cutBytes === 0
        ? undefined
        : { path: join(path, scan.tail.fileName ?? ''), offset: scan.tail.offset },
    durationMs: input.host.now() - startedMs,
  };
  return {
    engine,
    buffers,
    checkpoint,
    scan,
    segmentNumber: position?.segmentNumber ?? 0,
    offset: position?.offset ?? 0,
    obsoleteSegments: obsoleteSegments(input, scan, position?.segmentNumber),
    seededBelow,
    pending,
  };
}

function openPages(
  input: RecoverInput,
  buffers: SharedBuffers,
  checkpoint: LoadedCheckpoint,
  dataFile: VfsFile,
): Engine {
  const { path, options, vfs, host } = input;
  const { meta } = checkpoint;
  const shared = attachShared(buffers);
  Atomics.store(shared.progress, PROGRESS_TEST_SWITCH, input.testSwitches);
  if (!options.readOnly) requireBirths(meta.birthCounter);
  initializePageMemory(shared, meta.pageCount, meta.birthCounter + BIRTHS_OF_NO_COMMIT);
  const pager = new Pager({
    shared,
    thread: THREAD_MAIN,
    file: dataFile,
    path: join(path, DATA_FILE_NAME),
    canWriteThrough: !options.readOnly,
  });
  pager.loader.reserveScratch();
  const families = loadCatalog(pager, meta);
  initializeVersion(shared, {
    sequence: meta.sequence,
    mark: meta.birthCounter,
    nextColumnFamilyId: meta.nextColumnFamilyId,
    families,
  });
  const engine = new Engine({ path, options, shared, pager, vfs, host }, meta.databaseId);
  engine.families.adopt(families);
  return engine;
}

function requireBirths(birthCounter: number): void {
  if (birthCounter + BIRTHS_OF_A_CRASH + BIRTHS_OF_A_RUN < BIRTH_LIMIT) return;
  throw new ManifoldError(
    'ERR_MANIFOLD_LIMIT',
    'nearly 2^48 pages were written, no more can be told apart: dump, and load into a new database',
  );
}

/** The replayed version becomes the newest; its pages and rows go to the workers as one commit. */
function admitReplayed(engine: Engine, replay: Replay): PendingEntry | undefined {
  const { changes } = replay;
  replay.finish();
  if (replay.commits === 0) return undefined;
  const entry = new PendingEntry();
  entry.reset(replay.lastSequence, engine.pager.birthMark(), changes.diff);
  for (let part = 0; part < changes.partCount; part++) {
    const at = part * PART_WORDS;
    const slot = changes.parts[at]!;
    const row = changes.parts.subarray(at + 1, at + 1 + ROOT_WORDS);
    engine.shared.roots.set(row, admittedRowAt(slot));
    entry.addPart(slot, changes.parts, at + 1);
  }
  return entry;
}

/** Cuts the tail and makes sure that the segment to write to is there. */
function prepareLog(
  input: RecoverInput,
  engine: Engine,
  scan: LogScanResult,
  checkpoint: LoadedCheckpoint,
): { segmentNumber: number; offset: number } {
  const { path, vfs } = input;
  const { meta } = checkpoint;
  syncLog(vfs, path, scan.unproven);
  // Obsolete, or it would not have been recycled; its header may be anything.
  const recycled = join(path, SEGMENT_RECYCLED_NAME);
  if (vfs.exists(recycled)) vfs.remove(recycled);
  const isLeft = isTestSwitchOn(engine.shared, TEST_SWITCH_TAIL_NOT_CUT);
  const position = isLeft ? behindTail(scan.tail) : cutTail(vfs, path, scan.tail);
  const usable = new Set(
    scan.segments.filter((segment) => segment.role !== 'obsolete').map((segment) => segment.number),
  );
  if (!usable.has(position.segmentNumber)) {
    const segmentBytes = engine.shared.sizes.walSegmentBytes;
    const spec = { directory: path, segmentBytes, databaseId: meta.databaseId };
    createSegment(vfs, spec, position.segmentNumber);
  }
  let prepared = position.segmentNumber;
  while (usable.has(prepared + 1)) prepared++;
  initializeLogSpace(engine.shared, {
    oldestSegment: meta.walSegmentNumber,
    writingSegment: position.segmentNumber,
    writingOffset: position.offset,
    preparedSegment: prepared,
    lastSequence: scan.lastSequence,
  });
  return position;
}

/** B9 re-injected: behind the garbage, where the next recovery will not read on. */
function behindTail({ segmentNumber, offset, cutBytes }: LogTail) {
  return { segmentNumber, offset: offset + recordBytesFor(cutBytes) };
}

/**
 * The log goes on in segments of the size that the options ask for: one of another size ends where
 * the last process left it, and those made ready in another size are of no use.
 */
function withSegmentBytes({ vfs, path, options }: RecoverInput, scan: LogScanResult) {
  const hasSize = (fileName: string): boolean => {
    const file = vfs.open(join(path, fileName), 'read');
    try {
      return file.size() === options.walSegmentBytes;
    } finally {
      file.close();
    }
  };
  const { fileName } = scan.tail;
  const isOther = fileName !== undefined && !hasSize(fileName);
  const tail: LogTail = isOther ? { ...scan.tail, needsCut: true } : scan.tail;
  const segments = scan.segments.map((segment): LogSegment => {
    const isUseless = segment.role === 'prepared' && !hasSize(segment.fileName);
    return isUseless ? { ...segment, role: 'obsolete' } : segment;
  });
  return { ...scan, tail, segments };
}

/**
 * Files that may get a new number. One that was made anew under its old name is live again, some
 * went with the tail.
 */
function obsoleteSegments(
  { vfs, path }: RecoverInput,
  scan: LogScanResult,
  writing: number | undefined,
): string[] {
  const live = writing === undefined ? undefined : segmentFileName(writing);
  return scan.segments
    .filter((segment) => segment.role === 'obsolete' && segment.fileName !== live)
    .map((segment) => segment.fileName)
    .filter((fileName) => vfs.exists(join(path, fileName)));
}

/** A copy of the admitted rows, as the first synced view. */
export function admittedRows(engine: Engine): Int32Array {
  const { roots } = engine.shared;
  return roots.slice(ROOTS_ADMITTED, ROOTS_ADMITTED + usedSlots(engine.shared) * ROOT_WORDS);
}
