/**
 * A file system whose log syncs take longer by a fixed time, or for as long as another thread
 * wants, for benchmarks and backpressure tests on machines with a fast disk. Only files named
 * `wal-*.log` are slowed down.
 */
import { basename } from 'node:path';
import type { OpenMode, Vfs, VfsFile } from './vfs.js';

const LOG_NAME = /^wal-.*\.log$/;
/** `Atomics.wait` is exact to about this much; the rest of a delay is spun. */
const SPIN_BELOW_US = 200;

/** Word 0 of `SlowVfsOptions.hold`. */
export const SYNCS_RUN = 0;
export const SYNCS_HELD = 1;

export interface SlowVfsOptions {
  addedSyncLatencyUs: number;
  /** Int32 word 0 is raised by one after every slowed sync. */
  syncCounter?: SharedArrayBuffer;
  /** A sync takes until Int32 word 0 is SYNCS_RUN; whoever stores that notifies. */
  hold?: SharedArrayBuffer;
}

/** Blocks the calling thread. The word is private, so nobody can wake it early. */
function sleepUs(delayUs: number): void {
  const start = performance.now();
  if (delayUs > SPIN_BELOW_US) {
    const word = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(word, 0, 0, (delayUs - SPIN_BELOW_US) / 1000);
  }
  while ((performance.now() - start) * 1000 < delayUs) {
    // Spin: the rest is shorter than a thread switch.
  }
}

function waitForRelease(hold: Int32Array): void {
  while (Atomics.load(hold, 0) === SYNCS_HELD) Atomics.wait(hold, 0, SYNCS_HELD);
}

function slowFile(file: VfsFile, options: SlowVfsOptions): VfsFile {
  const counter =
    options.syncCounter === undefined ? undefined : new Int32Array(options.syncCounter);
  const hold = options.hold === undefined ? undefined : new Int32Array(options.hold);
  const delay = (): void => {
    sleepUs(options.addedSyncLatencyUs);
    if (hold !== undefined) waitForRelease(hold);
    if (counter !== undefined) Atomics.add(counter, 0, 1);
  };
  return {
    read: (target, offset) => file.read(target, offset),
    write: (parts, offset) => file.write(parts, offset),
    dataSync: () => {
      file.dataSync();
      delay();
    },
    sync: () => {
      file.sync();
      delay();
    },
    truncate: (bytes) => file.truncate(bytes),
    size: () => file.size(),
    close: () => file.close(),
  };
}

export function createSlowVfs(base: Vfs, options: SlowVfsOptions): Vfs {
  return {
    ...base,
    open: (path: string, mode: OpenMode): VfsFile => {
      const file = base.open(path, mode);
      return LOG_NAME.test(basename(path)) ? slowFile(file, options) : file;
    },
  };
}
