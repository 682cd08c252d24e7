/**
 * One directory of files in memory, for opens that only read: no locks, no durability, no copies of
 * the bytes. It counts the reads (a loop that never ends keeps reading) and the files left open.
 */
import { errnoError, type OpenMode, type Vfs, type VfsFile } from '@manifold-db/storage';
import { basename } from 'node:path';
import { SIMULATED_PATH } from '../simulator.js';

export type Files = ReadonlyMap<string, Uint8Array>;

/** Thrown out of a read: the engine reads and reads. */
export class EndlessReading extends Error {
  constructor(reads: number) {
    super(`${reads} reads of a few small files: it does not end`);
    this.name = 'EndlessReading';
  }
}

export class MemoryFiles {
  readonly vfs: Vfs;
  reads = 0;
  openCount = 0;
  readonly #files: Files;
  readonly #readsMax: number;

  constructor(files: Files, readsMax: number) {
    this.#files = files;
    this.#readsMax = readsMax;
    this.vfs = {
      open: (path, mode) => this.#open(path, mode),
      exists: (path) => path === SIMULATED_PATH || this.#files.has(basename(path)),
      list: () => [...this.#files.keys()].sort(),
      makeDirectory: readOnly,
      rename: readOnly,
      remove: readOnly,
      syncDirectory: readOnly,
      identity: (path) => path,
    };
  }

  #open(path: string, mode: OpenMode): VfsFile {
    const bytes = this.#files.get(basename(path));
    if (bytes === undefined) throw errnoError('ENOENT', 'open', path);
    if (mode !== 'read') readOnly();
    this.openCount++;
    let isOpen = true;
    return {
      read: (target, offset) => this.#read(bytes, target, offset),
      size: () => bytes.length,
      close: () => {
        if (isOpen) this.openCount--;
        isOpen = false;
      },
      write: readOnly,
      truncate: readOnly,
      dataSync: readOnly,
      sync: readOnly,
    };
  }

  #read(bytes: Uint8Array, target: Uint8Array, offset: number): number {
    this.reads++;
    if (this.reads > this.#readsMax) throw new EndlessReading(this.reads);
    const count = Math.max(0, Math.min(target.length, bytes.length - offset));
    target.set(bytes.subarray(offset, offset + count));
    return count;
  }
}

/** Also the proof that a read-only open writes nothing. */
function readOnly(): never {
  throw new Error('a read-only open changes a file');
}
