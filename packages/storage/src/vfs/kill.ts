/**
 * A file system that ends its process, or only its thread, at a named point: before, in the middle
 * of, or after the n-th call of an operation on a file. Points are data, so they travel to worker
 * threads; each thread's `Vfs` counts for itself. Sleeping and waking are points too, so that a
 * thread can die between two accesses to files, where nothing expects an exception. For tests.
 */
import { isMainThread, workerData } from 'node:worker_threads';
import { totalBytes, type Vfs, type VfsFile } from './vfs.js';

type FileOperation =
  'open' | 'write' | 'dataSync' | 'sync' | 'truncate' | 'rename' | 'remove' | 'syncDirectory';

export interface KillPoint {
  readonly thread: 'main' | 'wal' | 'apply';
  /** `wait` and `notify`: those of `Atomics`, in this thread. */
  readonly operation: FileOperation | 'wait' | 'notify';
  /** Only paths that contain this. */
  readonly pathIncludes: string;
  /** Only writes that begin below this offset: meta pages. */
  readonly belowOffset?: number;
  /** 1 is the first call. */
  readonly call: number;
  /** `middle` of a write: half of the bytes are in the file. */
  readonly stage: 'before' | 'middle' | 'after';
  /** The process (SIGKILL), an exception that nobody expects, or a heap without room. */
  readonly how: 'kill' | 'throw' | 'exhaust';
}

/** Taken before any of them is replaced. */
const { wait, notify } = Atomics;

function die(how: KillPoint['how']): void {
  if (how === 'throw') throw new Error('killed by the test');
  if (how === 'exhaust') {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, () => hoard.length));
  }
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment, and nothing may happen meanwhile.
  wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

class KillCounter {
  readonly #point: KillPoint;
  #calls = 0;

  constructor(point: KillPoint) {
    this.#point = point;
  }

  run<T>(operation: string, path: string, call: () => T, half?: () => void, offset = 0): T {
    const { stage, how } = this.#point;
    if (!this.#isHit(operation, path, offset)) return call();
    if (stage === 'before') die(how);
    if (stage === 'middle') {
      half?.();
      die(how);
    }
    const result = call();
    die(how);
    return result;
  }

  #isHit(operation: string, path: string, offset: number): boolean {
    const { pathIncludes, belowOffset = Infinity, call } = this.#point;
    if (operation !== this.#point.operation || !path.includes(pathIncludes)) return false;
    if (offset >= belowOffset) return false;
    this.#calls += 1;
    return this.#calls === call;
  }
}

/** Which thread this is follows from what the worker was started with. */
function threadOf(data: unknown): KillPoint['thread'] | undefined {
  if (isMainThread) return 'main';
  if (typeof data !== 'object' || data === null) return undefined;
  if ('workerIndex' in data) return 'apply';
  return 'segmentNumber' in data ? 'wal' : undefined;
}

function countSleeps(counter: KillCounter): void {
  Object.assign(Atomics, {
    wait: (...args: Parameters<typeof wait>) => counter.run('wait', '', () => wait(...args)),
    notify: (...args: Parameters<typeof notify>) =>
      counter.run('notify', '', () => notify(...args)),
  });
}

function firstHalf(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(totalBytes(parts) >>> 1);
  let filled = 0;
  for (const part of parts) {
    const piece = part.subarray(0, bytes.length - filled);
    bytes.set(piece, filled);
    filled += piece.length;
  }
  return bytes;
}

function killFile(file: VfsFile, path: string, counter: KillCounter): VfsFile {
  return {
    read: (target, offset) => file.read(target, offset),
    write: (parts, offset) => {
      const whole = (): void => file.write(parts, offset);
      const half = (): void => file.write([firstHalf(parts)], offset);
      counter.run('write', path, whole, half, offset);
    },
    dataSync: () => counter.run('dataSync', path, () => file.dataSync()),
    sync: () => counter.run('sync', path, () => file.sync()),
    truncate: (bytes) => counter.run('truncate', path, () => file.truncate(bytes)),
    size: () => file.size(),
    close: () => file.close(),
  };
}

/** Threads other than the point's go on as if nothing were planned. */
export function createKillVfs(base: Vfs, point: KillPoint): Vfs {
  if (threadOf(workerData) !== point.thread) return base;
  const counter = new KillCounter(point);
  if (point.operation === 'wait' || point.operation === 'notify') countSleeps(counter);
  const open: Vfs['open'] = (path, mode) => base.open(path, mode);
  return {
    ...base,
    open: (path, mode) => {
      const file = counter.run('open', path, () => open(path, mode));
      return killFile(file, path, counter);
    },
    rename: (from, to) => counter.run('rename', from, () => base.rename(from, to)),
    remove: (path) => counter.run('remove', path, () => base.remove(path)),
    syncDirectory: (path) => counter.run('syncDirectory', path, () => base.syncDirectory(path)),
  };
}
