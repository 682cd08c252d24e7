/**
 * Reads the log from the oldest segment that recovery may need, delivers every transaction behind
 * the checkpoint in order, and decides what the first unreadable place is: the tail of the log, or
 * damage. Runs at open, in one thread, and changes nothing (tail-cut.ts does).
 *
 * The rule (next = the sequence that should come next; witness = the highest sequence that the
 * checkpoint, a block before the place, or any block surviving behind it calls synced):
 * 1. witness >= next: an acknowledged commit was at the bad place. ERR_MANIFOLD_CORRUPT.
 * 2. Otherwise nothing acknowledged can be missing. Unsynced writes reorder, so valid blocks behind
 *    the place prove nothing: they belong to the tail and are cut with it.
 * 3. A segment that ended with a roll has a successor, durable before the roll was written. Its
 *    absence, its wrong size or a damaged header is ERR_MANIFOLD_CORRUPT.
 */
import { join } from 'node:path';
import { corrupt } from '../errors.js';
import {
  BLOCK_HEADER_BYTES,
  BlockKind,
  BlockProblem,
  EndReason,
  newBlockHeader,
} from '../format/block.js';
import { isZero } from '../format/bytes.js';
import { SEGMENT_DATA_OFFSET, segmentFileName } from '../format/segment.js';
import { TEST_SWITCH_OLDER_CHECKPOINT, TEST_SWITCH_SILENT_CUT } from '../layout/test-switches.js';
import type { Vfs } from '../vfs/vfs.js';
import { ProvenEnd, type LogRange } from './proven-end.js';
import {
  listSegmentFiles,
  newWindow,
  type SegmentFile,
  type SegmentFiles,
} from './segment-files.js';
import { SegmentReader } from './segment-reader.js';
import { findSurvivors, noSurvivors, type Survivors } from './survivors.js';
import { TransactionAssembler, recordsProblem, type LogSink } from './transaction-assembler.js';

export interface LogScanOptions {
  /** 16 bytes. */
  databaseId: Uint8Array;
  /** Sequence of the checkpoint; transactions up to it are skipped. */
  fromSequence: number;
  /** Number of the segment at which the checkpoint says reading starts. */
  oldestSegment: number;
  /** Bugs put back by a test (TEST_SWITCH_*). */
  testSwitches?: number;
}

/**
 * What the scan found where it ended.
 * `end`: nothing readable (zeros or bytes of the segment's earlier life), nothing behind it.
 * `torn-block`: a block whose payload is not all there. `missing-block`: unreadable, but intact
 * blocks lie behind it. `sequence-gap`: an intact block that does not follow.
 * `incomplete-transaction`: fragments without the last one.
 */
export type TailReason =
  'end' | 'torn-block' | 'missing-block' | 'sequence-gap' | 'incomplete-transaction';

export interface LogTail {
  /** Where the next block goes, unless the tail is cut. */
  segmentNumber: number;
  offset: number;
  /** `undefined` when that segment has no file yet. */
  fileName: string | undefined;
  reason: TailReason;
  /** Blocks with an intact header that do not count, and their bytes. */
  cutBlocks: number;
  cutBytes: number;
  /** Whether `cutTail` has to change anything before the log may be written again. */
  needsCut: boolean;
  /** Later segments with blocks that do not count; `cutTail` removes them. */
  surplus: string[];
  lastSequence: number;
  highestWatermark: number;
  timestampMs: number;
}

/**
 * `live`: up to the tail. `prepared`: behind it, ready to be written to, no gap between.
 * `obsolete`: to be reused or removed (after `cutTail`).
 */
export interface LogSegment {
  fileName: string;
  /** Of the header; `undefined` when the file has none. */
  number: number | undefined;
  role: 'live' | 'prepared' | 'obsolete';
}

export interface LogScanResult {
  lastSequence: number;
  highestWatermark: number;
  /** Delivered to the sink. */
  transactionCount: number;
  /** Payload bytes of all blocks read, skipped ones included. */
  recordBytes: number;
  tail: LogTail;
  segments: LogSegment[];
  /** What was read and is not known to have been synced, up to the tail. */
  unproven: LogRange[];
}

/** Where reading stopped: at a bad or missing block, or before a segment that is not there. */
interface Stop {
  segmentNumber: number;
  segment: SegmentFile | undefined;
  offset: number;
  reason: TailReason;
  problem: string;
}

interface Scan {
  readonly vfs: Vfs;
  readonly directory: string;
  readonly options: LogScanOptions;
  readonly files: SegmentFiles;
  readonly window: Buffer;
  readonly assembler: TransactionAssembler;
  /** Segments behind the tail whose file is not whole. */
  readonly misSized: Set<string>;
  readonly proven: ProvenEnd;
  highestWatermark: number;
  timestampMs: number;
}

export function scanLog(
  vfs: Vfs,
  directory: string,
  options: LogScanOptions,
  sink: LogSink,
): LogScanResult {
  const { databaseId, fromSequence, oldestSegment } = options;
  const files = listSegmentFiles(vfs, directory, databaseId, oldestSegment);
  const scan: Scan = {
    vfs,
    directory,
    options,
    files,
    window: newWindow(files.byNumber.values()),
    assembler: new TransactionAssembler(fromSequence, sink),
    misSized: new Set(),
    proven: new ProvenEnd(),
    highestWatermark: fromSequence,
    timestampMs: 0,
  };
  const stop = readSegments(scan);
  const tail = judge(scan, stop);
  return {
    lastSequence: tail.lastSequence,
    highestWatermark: scan.highestWatermark,
    transactionCount: scan.assembler.transactionCount,
    recordBytes: scan.assembler.recordBytes,
    tail,
    segments: describeSegments(scan, tail),
    unproven: scan.proven.rangesBehind(scan.highestWatermark),
  };
}

/** Reads segment after segment until one does not end with a way on to the next. */
function readSegments(scan: Scan): Stop {
  let number = scan.options.oldestSegment;
  let before: EndReason | undefined;
  for (;;) {
    const segment = scan.files.byNumber.get(number);
    if (segment === undefined) return missingSegment(scan, number, before);
    requireWhole(scan, segment);
    const outcome = readSegment(scan, segment);
    if (typeof outcome === 'object') return outcome;
    before = outcome;
    number += 1;
  }
}

function sizeOf(vfs: Vfs, path: string): number {
  const file = vfs.open(path, 'read');
  try {
    return file.size();
  } finally {
    file.close();
  }
}

/** A file has its full size when it gets the name of a segment, so one of another is damaged. */
function requireWhole({ vfs }: Scan, { path, header }: SegmentFile): void {
  const bytes = sizeOf(vfs, path);
  const wanted = header.segmentBytes;
  if (bytes === wanted) return;
  throw corrupt(path, Math.min(bytes, wanted), `${bytes} bytes instead of ${wanted}`);
}

/** The segment that should come next is not there: allowed only behind a cut. */
function missingSegment(scan: Scan, number: number, before: EndReason | undefined): Stop {
  const path = join(scan.directory, segmentFileName(number));
  const unusable = scan.files.unusable.find((file) => file.nameNumber === number);
  const problem = unusable?.problem ?? 'the log segment is missing';
  if (before === undefined && !isOn(scan, TEST_SWITCH_OLDER_CHECKPOINT)) {
    throw corrupt(path, 0, `${problem}; the checkpoint needs it`);
  }
  if (before === EndReason.ROLLED) throw corrupt(path, 0, `${problem}; the log goes on in it`);
  if (unusable !== undefined && !isBlank(scan, unusable.path)) throw corrupt(path, 0, problem);
  return {
    segmentNumber: number,
    segment: undefined,
    offset: SEGMENT_DATA_OFFSET,
    reason: 'end',
    problem,
  };
}

/**
 * Whether a file without a header holds zeros only, so that nothing was ever written to it. An
 * empty one does not count: a file has its full size when it gets the name of a segment, so
 * whatever it held was cut off.
 */
function isBlank(scan: Scan, path: string): boolean {
  const file = scan.vfs.open(path, 'read');
  try {
    let offset = 0;
    for (;;) {
      const count = file.read(scan.window, offset);
      if (count === 0) return offset > 0;
      if (!isZero(scan.window, 0, count)) return false;
      offset += count;
    }
  } finally {
    file.close();
  }
}

/** Reads one segment; returns how it ended, or where reading had to stop. */
function readSegment(scan: Scan, segment: SegmentFile): EndReason | Stop {
  const { segmentBytes, salt } = segment.header;
  const file = scan.vfs.open(segment.path, 'read');
  try {
    const reader = new SegmentReader(file, salt, segmentBytes, scan.window);
    return readBlocks(scan, segment, reader);
  } finally {
    file.close();
  }
}

function readBlocks(scan: Scan, segment: SegmentFile, reader: SegmentReader): EndReason | Stop {
  const { assembler } = scan;
  const header = newBlockHeader();
  const segmentNumber = segment.header.segmentNumber;
  let offset = SEGMENT_DATA_OFFSET;
  const stop = (reason: TailReason, problem: string): Stop => {
    return { segmentNumber, segment, offset, reason, problem };
  };
  while (offset + BLOCK_HEADER_BYTES <= reader.endOffset) {
    const problem = reader.readHeader(offset, header);
    if (problem !== undefined) return stop('end', describeProblem(problem));
    const misfit = assembler.misfit(header);
    if (misfit !== undefined) return stop('sequence-gap', misfit);
    const payload = reader.payloadPosition(offset, header);
    if (payload === undefined) return stop('torn-block', 'checksum mismatch in a log block');
    if (header.kind === BlockKind.DATA) {
      const place = { path: segment.path, offset };
      const disorder = recordsProblem(reader.bytes, payload, payload + header.payloadBytes, header);
      if (disorder !== undefined) return stop('torn-block', disorder);
      assembler.records(reader.bytes, payload, payload + header.payloadBytes, place);
    } else {
      assembler.mark(header);
    }
    scan.highestWatermark = Math.max(scan.highestWatermark, header.syncedWatermark);
    scan.timestampMs = Math.max(scan.timestampMs, header.timestampMs);
    offset += BLOCK_HEADER_BYTES + header.payloadBytes;
    scan.proven.block(segment.fileName, header, offset);
    if (header.kind === BlockKind.END) return header.endReason;
  }
  return EndReason.ROLLED;
}

function describeProblem(problem: BlockProblem): string {
  return problem === BlockProblem.ZERO
    ? 'zeros instead of a log block'
    : `no readable log block (${problem})`;
}

function isOn(scan: Scan, testSwitches: number): boolean {
  return ((scan.options.testSwitches ?? 0) & testSwitches) !== 0;
}

/** Tail or damage? See the rule at the top. */
function judge(scan: Scan, stop: Stop): LogTail {
  const { assembler, options } = scan;
  requireBlank(scan, stop.segmentNumber);
  const here = noSurvivors();
  if (stop.segment !== undefined) searchSegment(scan, stop.segment, stop.offset, here);
  const later = noSurvivors();
  const surplus: string[] = [];
  for (const segment of segmentsBehind(scan, stop.segmentNumber)) {
    const blocksBefore = later.blockCount;
    searchSegment(scan, segment, SEGMENT_DATA_OFFSET, later);
    if (later.blockCount > blocksBefore) surplus.push(segment.fileName);
  }
  const witness = Math.max(scan.highestWatermark, here.watermark, later.watermark);
  const next = assembler.lastKnown + 1;
  const passesOver = isOn(scan, TEST_SWITCH_SILENT_CUT | TEST_SWITCH_OLDER_CHECKPOINT);
  const path = join(scan.directory, stop.segment?.fileName ?? segmentFileName(stop.segmentNumber));
  if (witness >= next && !passesOver) {
    throw corrupt(path, stop.offset, `${stop.problem}; commits up to ${witness} were durable`);
  }
  // Before the first record the place itself has no sequence; a later one that the checkpoint
  // covers shows that the place was durable.
  const firstBehind = Math.min(here.firstSequence, later.firstSequence);
  const isFirstUnknown = assembler.last === undefined;
  if (isFirstUnknown && firstBehind <= options.fromSequence && !passesOver) {
    throw corrupt(path, stop.offset, `${stop.problem}; durable record ${firstBehind} follows`);
  }
  if (isFirstUnknown && stop.reason === 'sequence-gap') {
    throw corrupt(path, stop.offset, stop.problem);
  }
  const cutBlocks = here.blockCount + later.blockCount;
  return {
    segmentNumber: stop.segmentNumber,
    offset: stop.offset,
    fileName: stop.segment?.fileName,
    reason: tailReason(stop, assembler, cutBlocks),
    cutBlocks,
    cutBytes: here.blockBytes + later.blockBytes,
    needsCut: cutBlocks > 0 || assembler.hasFragments || isMisnamed(stop.segment),
    surplus,
    lastSequence: assembler.lastKnown,
    highestWatermark: scan.highestWatermark,
    timestampMs: scan.timestampMs,
  };
}

/**
 * A file has its header, synced, when it gets the name of a segment. One behind the tail without a
 * readable header was never used, and is blank, or it is damaged, and its witnesses are lost.
 */
function requireBlank(scan: Scan, tailSegment: number): void {
  for (const { path, nameNumber, problem } of scan.files.unusable) {
    if (nameNumber > tailSegment && !isBlank(scan, path)) throw corrupt(path, 0, problem);
  }
}

function tailReason(stop: Stop, assembler: TransactionAssembler, cutBlocks: number): TailReason {
  if (stop.reason !== 'end') return stop.reason;
  if (cutBlocks > 0) return 'missing-block';
  return assembler.hasFragments ? 'incomplete-transaction' : 'end';
}

/** Nobody writes to a segment under a wrong name: the log goes on in the next one. */
function isMisnamed(segment: SegmentFile | undefined): boolean {
  return segment !== undefined && segment.nameNumber !== segment.header.segmentNumber;
}

function segmentsBehind(scan: Scan, segmentNumber: number): SegmentFile[] {
  return [...scan.files.byNumber.values()]
    .filter((segment) => segment.header.segmentNumber > segmentNumber)
    .sort((a, b) => a.header.segmentNumber - b.header.segmentNumber);
}

function searchSegment(scan: Scan, segment: SegmentFile, offset: number, found: Survivors): void {
  const file = scan.vfs.open(segment.path, 'read');
  try {
    const { segmentBytes, salt } = segment.header;
    if (file.size() !== segmentBytes) scan.misSized.add(segment.fileName);
    const reader = new SegmentReader(file, salt, segment.bytes, scan.window);
    findSurvivors(reader, offset, found);
  } finally {
    file.close();
  }
}

function isReady(scan: Scan, tail: LogTail, segment: SegmentFile | undefined): boolean {
  if (segment === undefined) return false;
  return !tail.surplus.includes(segment.fileName) && !scan.misSized.has(segment.fileName);
}

/** The last segment that is ready, without a gap behind the one in which the log goes on. */
function readyThrough(scan: Scan, tail: LogTail): number {
  const isCutHere = tail.needsCut && tail.fileName !== undefined;
  let ready = isCutHere ? tail.segmentNumber + 1 : tail.segmentNumber;
  while (isReady(scan, tail, scan.files.byNumber.get(ready + 1))) ready += 1;
  return ready;
}

function describeSegments(scan: Scan, tail: LogTail): LogSegment[] {
  const segments: LogSegment[] = [];
  const ready = readyThrough(scan, tail);
  for (const segment of scan.files.byNumber.values()) {
    const { fileName } = segment;
    const number = segment.header.segmentNumber;
    const isLive = number < tail.segmentNumber || fileName === tail.fileName;
    const isPrepared = number > tail.segmentNumber && number <= ready;
    const roleBehind = isPrepared && isReady(scan, tail, segment) ? 'prepared' : 'obsolete';
    segments.push({ fileName, number, role: isLive ? 'live' : roleBehind });
  }
  for (const { fileName, header } of scan.files.obsolete) {
    segments.push({ fileName, number: header.segmentNumber, role: 'obsolete' });
  }
  for (const { fileName } of scan.files.unusable) {
    segments.push({ fileName, number: undefined, role: 'obsolete' });
  }
  return segments.sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
}
