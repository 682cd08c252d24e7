/** The fsync worker on its own thread and the real file system. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CLAIM_OK,
  FAILURE_SYNC,
  FAILURE_WORKER,
  KIB,
  LOG_PREPARED_SEGMENT,
  LOG_WRITING_SEGMENT,
  PROGRESS_APPENDED,
  PROGRESS_READY,
  PROGRESS_SHUTDOWN,
  PROGRESS_SYNCED,
  REASON_ANY,
  REASON_REQUEST,
  REASON_SPACE,
  REASON_SYNCED,
  RecordKind,
  SEGMENT_DATA_OFFSET,
  SHUTDOWN_DRAIN,
  THREAD_MAIN,
  attachShared,
  createRealVfs,
  createSharedBuffers,
  encodeSegmentHeader,
  hasFailed,
  loadWide,
  lockAppend,
  newClaim,
  prepareToWaitAsync,
  publishRecord,
  readFailure,
  recordBytesFor,
  ringAllBells,
  segmentFileName,
  storeWide,
  tryClaim,
  unlockAppend,
  waitOnBellAsync,
  writeRecordHeader,
  scanLog,
  type Shared,
  type SharedBuffers,
  type VfsSpec,
} from '@manifold-db/storage';
import type { WalWorkerInit } from '@manifold-db/wal-worker';
import { DATABASE_ID, SIZES } from './harness.js';

const ENTRY = new URL('../dist/main.js', import.meta.url);
const sizes = { ...SIZES, walSegmentBytes: 256 * KIB };

let directory: string;
let buffers: SharedBuffers;
let shared: Shared;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'manifold-wal-'));
  buffers = createSharedBuffers(sizes);
  shared = attachShared(buffers);
  shared.logSpace[LOG_WRITING_SEGMENT] = 1;
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function prepareSegments(last: number): void {
  const vfs = createRealVfs();
  for (let segmentNumber = 1; segmentNumber <= last; segmentNumber++) {
    const file = vfs.open(join(directory, segmentFileName(segmentNumber)), 'create');
    file.truncate(sizes.walSegmentBytes);
    const header = { segmentBytes: sizes.walSegmentBytes, salt: segmentNumber, segmentNumber };
    file.write([encodeSegmentHeader({ ...header, databaseId: DATABASE_ID })], 0);
    file.close();
  }
  shared.logSpace[LOG_PREPARED_SEGMENT] = last;
}

interface Started {
  readonly worker: Worker;
  readonly exit: Promise<number>;
  readonly errors: Error[];
}

function start(vfs: VfsSpec): Started {
  const init: WalWorkerInit = {
    buffers,
    directory,
    vfs,
    databaseId: DATABASE_ID,
    segmentNumber: 1,
    offset: SEGMENT_DATA_OFFSET,
  };
  const worker = new Worker(ENTRY, { workerData: init, trackUnmanagedFds: false });
  const errors: Error[] = [];
  worker.on('error', (error) => errors.push(error));
  const exit = new Promise<number>((resolve) => worker.once('exit', resolve));
  return { worker, exit, errors };
}

/** Waits on main's bell; the worker's ref keeps the process alive. */
async function waitUntil(interest: number, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    const rings = prepareToWaitAsync(shared.bells, THREAD_MAIN, interest);
    if (isTrue()) break;
    await waitOnBellAsync(shared.bells, THREAD_MAIN, rings);
  }
  prepareToWaitAsync(shared.bells, THREAD_MAIN, 0);
}

const isReady = (): boolean => {
  return Atomics.load(shared.progress, PROGRESS_READY) === 1 || hasFailed(shared);
};

const claim = newClaim();

/** Appends; waits for ring space when there is none. */
async function append(payloadBytes: number): Promise<number> {
  const sequence = loadWide(shared.progress, PROGRESS_APPENDED) + 1;
  const tryOnce = (): boolean => {
    lockAppend(shared);
    const outcome = tryClaim(shared, recordBytesFor(payloadBytes), sequence, true, claim);
    if (outcome === CLAIM_OK) storeWide(shared.progress, PROGRESS_APPENDED, sequence);
    unlockAppend(shared);
    return outcome === CLAIM_OK;
  };
  await waitUntil(REASON_SPACE, tryOnce);
  const from = claim.byteOffset + 32;
  shared.ringBytes.fill(sequence, from, from + payloadBytes);
  const words = new Int32Array(buffers.ringBytes);
  writeRecordHeader(words, claim.byteOffset / 4, payloadBytes, RecordKind.WHOLE, 1, sequence);
  publishRecord(shared, claim);
  return sequence;
}

function synced(): number {
  return loadWide(shared.progress, PROGRESS_SYNCED);
}

describe('the fsync worker on a thread', () => {
  it('makes thousands of commits durable over many segments, drains, and ends', async () => {
    prepareSegments(30);
    const { exit, errors } = start({ kind: 'real' });
    await waitUntil(REASON_REQUEST, isReady);
    const commits = 12_000;
    const sizesOf = (sequence: number): number => 12 + (sequence % 100) * 8;
    for (let sequence = 1; sequence <= commits; sequence++) {
      await append(sizesOf(sequence));
      // Some callers wait for their commit, most do not.
      if (sequence % 200 === 0) await waitUntil(REASON_SYNCED, () => synced() >= sequence);
    }
    Atomics.store(shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN);
    ringAllBells(shared.bells, REASON_ANY);
    expect(await exit).toBe(0);
    expect(errors).toEqual([]);
    expect(synced()).toBe(commits);
    expect(shared.logSpace[LOG_WRITING_SEGMENT]).toBeGreaterThan(15);
    let expected = 1;
    const options = { databaseId: DATABASE_ID, fromSequence: 0, oldestSegment: 1 };
    const result = scanLog(createRealVfs(), directory, options, {
      transaction: (sequence, _opCount, payload) => {
        const isRight =
          sequence === expected &&
          payload.length === sizesOf(sequence) &&
          payload.every((byte) => byte === sequence % 256);
        if (!isRight) throw new Error(`commit ${expected} is wrong`);
        expected++;
      },
    });
    expect(expected).toBe(commits + 1);
    expect(result.highestWatermark).toBe(commits);
  });

  it('wakes a waiter when a sync fails', async () => {
    prepareSegments(2);
    const gate = new SharedArrayBuffer(4);
    const { exit, errors } = start({
      kind: 'fault',
      rules: [{ operation: 'dataSync', errno: 'EIO', gate }],
    });
    await waitUntil(REASON_REQUEST, isReady);
    await append(40);
    await waitUntil(REASON_SYNCED, () => synced() === 1);
    Atomics.store(new Int32Array(gate), 0, 1);
    await append(40);
    await waitUntil(REASON_SYNCED, () => synced() === 2 || hasFailed(shared));
    expect(readFailure(shared)).toMatchObject({ code: FAILURE_SYNC });
    expect(synced()).toBe(1);
    expect(await exit).toBe(0);
    expect(errors).toEqual([]);
  });

  it('poisons and tells why when it cannot start', async () => {
    const { exit, errors } = start({ kind: 'real' });
    await waitUntil(REASON_REQUEST, isReady);
    expect(readFailure(shared)!.code).toBe(FAILURE_WORKER);
    expect(readFailure(shared)!.text).toContain('ENOENT');
    expect(await exit).not.toBe(0);
    expect(errors[0]!.message).toContain('ENOENT');
    expect(shared.progress[PROGRESS_READY]).toBe(0);
  });

  it('poisons and ends when an invariant breaks', async () => {
    prepareSegments(1);
    const { exit, errors } = start({ kind: 'real' });
    await waitUntil(REASON_REQUEST, isReady);
    // A record out of sequence: some thread would have to break the append protocol.
    lockAppend(shared);
    shared.logSpace[LOG_PREPARED_SEGMENT] = 2;
    expect(tryClaim(shared, 72, 5, true, claim)).toBe(CLAIM_OK);
    unlockAppend(shared);
    publishRecord(shared, claim);
    await waitUntil(REASON_SYNCED, () => hasFailed(shared));
    expect(readFailure(shared)!.code).toBe(FAILURE_WORKER);
    expect(await exit).not.toBe(0);
    expect(errors[0]!.message).toContain('sequence order');
  });
});
