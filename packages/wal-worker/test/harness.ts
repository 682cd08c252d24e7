/**
 * A fsync worker's loop in one thread over a simulated disk, with the other threads played by the
 * test: appenders (`append`), the preparer of segments (`prepareSegments`), observers.
 */
import {
  BLOCK_HEADER_BYTES,
  CLAIM_OK,
  KIB,
  LOG_PREPARED_SEGMENT,
  LOG_WRITING_SEGMENT,
  PROGRESS_APPENDED,
  PROGRESS_SYNCED,
  PROGRESS_WRITTEN,
  RECORD_HEADER_BYTES,
  RecordKind,
  SEGMENT_DATA_OFFSET,
  SEGMENT_HEADER_BYTES,
  SimulatedDisk,
  attachShared,
  blockSeed,
  checksum,
  createSharedBuffers,
  decodeSegmentHeader,
  encodeSegmentHeader,
  loadWide,
  lockAppend,
  newBlockHeader,
  newClaim,
  publishRecord,
  readBlockHeader,
  readRecordSequence,
  recordBytesFor,
  segmentFileName,
  storeWide,
  tryClaim,
  unlockAppend,
  writeRecordHeader,
  type BlockHeader,
  type Claim,
  type Shared,
  type SharedBuffers,
  type SharedSizes,
  type Vfs,
} from '@manifold-db/storage';
import { createWalLoop, type StepResult, type WalLoop } from '@manifold-db/wal-worker';

export const DIRECTORY = '/db';
export const DATABASE_ID = new Uint8Array(16).fill(7);
export const SIZES: SharedSizes = {
  pageBytes: 4 * KIB,
  cacheBytes: 64 * KIB,
  walRingBytes: 64 * KIB,
  walSegmentBytes: 32 * KIB,
  walBytesMax: 1024 * KIB,
  pendingCommitsMax: 64,
  applyWorkers: 2,
  writeBufferBytes: 0,
  writeBufferCount: 0,
};

export interface HarnessOptions {
  readonly sizes?: Partial<SharedSizes>;
  /** Newest sequence in the log at the start. */
  readonly sequence?: number;
  readonly segments?: number;
  /** What the loop sees instead of the disk itself. */
  readonly wrapVfs?: (vfs: Vfs) => Vfs;
  readonly wallClockMs?: () => number;
}

export interface Block extends BlockHeader {
  readonly offset: number;
  /** Sequences of the records in it. */
  readonly sequences: number[];
}

export class Harness {
  readonly disk = new SimulatedDisk();
  readonly vfs: Vfs;
  readonly buffers: SharedBuffers;
  readonly shared: Shared;
  readonly loop: WalLoop;

  constructor(options: HarnessOptions = {}) {
    this.vfs = this.disk.vfs();
    this.buffers = createSharedBuffers({ ...SIZES, ...options.sizes });
    this.shared = attachShared(this.buffers);
    this.vfs.makeDirectory(DIRECTORY);
    this.vfs.syncDirectory('/');
    this.prepareSegments(options.segments ?? 20);
    this.shared.logSpace[LOG_WRITING_SEGMENT] = 1;
    const sequence = options.sequence ?? 0;
    for (const word of [PROGRESS_APPENDED, PROGRESS_WRITTEN, PROGRESS_SYNCED]) {
      storeWide(this.shared.progress, word, sequence);
    }
    const init = {
      buffers: this.buffers,
      directory: DIRECTORY,
      vfs: { kind: 'real' as const },
      databaseId: DATABASE_ID,
      segmentNumber: 1,
      offset: SEGMENT_DATA_OFFSET,
    };
    const vfs = options.wrapVfs?.(this.vfs) ?? this.vfs;
    const { wallClockMs } = options;
    this.loop = createWalLoop(init, vfs, wallClockMs === undefined ? {} : { wallClockMs });
  }

  /** Plays apply worker 0: segments up to `last` are ready for records. */
  prepareSegments(last: number): void {
    const { walSegmentBytes } = this.buffers.sizes;
    for (let number = this.prepared + 1; number <= last; number++) {
      const file = this.vfs.open(`${DIRECTORY}/${segmentFileName(number)}`, 'create');
      file.truncate(walSegmentBytes);
      const header = { segmentBytes: walSegmentBytes, salt: number * 77, segmentNumber: number };
      file.write([encodeSegmentHeader({ ...header, databaseId: DATABASE_ID })], 0);
      file.sync();
      file.close();
    }
    this.vfs.syncDirectory(DIRECTORY);
    Atomics.store(this.shared.logSpace, LOG_PREPARED_SEGMENT, last);
  }

  get prepared(): number {
    return this.shared.logSpace[LOG_PREPARED_SEGMENT]!;
  }

  get appended(): number {
    return loadWide(this.shared.progress, PROGRESS_APPENDED);
  }

  get written(): number {
    return loadWide(this.shared.progress, PROGRESS_WRITTEN);
  }

  get synced(): number {
    return loadWide(this.shared.progress, PROGRESS_SYNCED);
  }

  /** Claims, without publishing; the sequence is appended when `kind` completes it. */
  claim(payloadBytes: number, kind: RecordKind = RecordKind.WHOLE): Claim {
    const claim = newClaim();
    const sequence = this.appended + 1;
    const completes = kind === RecordKind.WHOLE || kind === RecordKind.LAST;
    lockAppend(this.shared);
    const outcome = tryClaim(this.shared, recordBytesFor(payloadBytes), sequence, completes, claim);
    if (outcome === CLAIM_OK && completes) {
      storeWide(this.shared.progress, PROGRESS_APPENDED, sequence);
    }
    unlockAppend(this.shared);
    if (outcome !== CLAIM_OK) throw new Error(`claim refused: ${outcome}`);
    const { ringBytes } = this.shared;
    const start = claim.byteOffset + RECORD_HEADER_BYTES;
    ringBytes.fill(sequence, start, start + payloadBytes);
    const words = new Int32Array(this.buffers.ringBytes);
    writeRecordHeader(words, claim.byteOffset / 4, payloadBytes, kind, 1, sequence);
    return claim;
  }

  publish(claim: Claim): void {
    publishRecord(this.shared, claim);
  }

  append(payloadBytes: number, kind: RecordKind = RecordKind.WHOLE): number {
    const claim = this.claim(payloadBytes, kind);
    this.publish(claim);
    return claim.sequence;
  }

  /** Steps until the loop has nothing to do; the results, 'idle' or 'stopped' last. */
  settle(): StepResult[] {
    const results: StepResult[] = [];
    for (let steps = 0; steps < 10_000; steps++) {
      results.push(this.loop.step());
      if (results.at(-1) !== 'worked') return results;
    }
    throw new Error('the loop never rests');
  }

  blocks(segmentNumber: number): Block[] {
    return readBlocks(this.vfs, segmentNumber);
  }
}

/** The readable blocks of a segment, in order; independent of the engine's scanner. */
export function readBlocks(vfs: Vfs, segmentNumber: number): Block[] {
  const path = `${DIRECTORY}/${segmentFileName(segmentNumber)}`;
  const file = vfs.open(path, 'read');
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  file.close();
  const decoded = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES), path);
  if (decoded.state !== 'valid') throw new Error(`segment ${segmentNumber}: ${decoded.state}`);
  const blocks: Block[] = [];
  let offset = SEGMENT_DATA_OFFSET;
  for (;;) {
    const header = newBlockHeader();
    const seed = blockSeed(decoded.header.salt, offset);
    if (readBlockHeader(bytes, offset, seed, header) !== undefined) return blocks;
    const start = offset + BLOCK_HEADER_BYTES;
    const payload = bytes.subarray(start, start + header.payloadBytes);
    const expected = payload.length === 0 ? 0 : checksum(payload, seed);
    if (header.payloadCrc !== expected) return blocks;
    blocks.push({ ...header, offset, sequences: readSequences(payload) });
    offset = start + header.payloadBytes;
  }
}

function readSequences(payload: Uint8Array): number[] {
  const sequences: number[] = [];
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  for (let offset = 0; offset < payload.length; offset += view.getUint32(offset, true)) {
    sequences.push(readRecordSequence(payload, offset));
  }
  return sequences;
}
