/**
 * The real file system: thin calls of `node:fs`, synchronous and positional. File descriptors are
 * plain numbers, so a worker that was started with `trackUnmanagedFds: false` leaves them open when
 * it dies and the files of other threads are not touched.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { errnoError, totalBytes, type OpenMode, type Vfs, type VfsFile } from './vfs.js';

const OPEN_FLAGS: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  'read-write': constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
  'create-exclusive': constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};

/** Buffers that one `writev` may take on every platform (IOV_MAX). */
const PARTS_PER_WRITE_MAX = 1024;
/** One system call writes at most this much; larger parts would be cut short by the kernel. */
const BYTES_PER_CALL_MAX = 0x4000_0000;

class RealFile implements VfsFile {
  readonly #path: string;
  #descriptor: number | undefined;

  constructor(path: string, mode: OpenMode) {
    this.#path = path;
    this.#descriptor = openSync(path, OPEN_FLAGS[mode]);
  }

  read(target: Uint8Array, offset: number): number {
    const descriptor = this.#open('read');
    let done = 0;
    while (done < target.length) {
      const wanted = Math.min(target.length - done, BYTES_PER_CALL_MAX);
      const count = readSync(descriptor, target, done, wanted, offset + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  readAsync(target: Uint8Array, offset: number): Promise<number> {
    const descriptor = this.#open('read');
    return new Promise((resolve, reject) => {
      read(descriptor, target, 0, target.length, offset, (error, count) => {
        if (error !== null) reject(error);
        else resolve(count);
      });
    });
  }

  write(parts: readonly Uint8Array[], offset: number): void {
    const descriptor = this.#open('write');
    if (parts.length === 1) {
      this.#writePart(descriptor, parts[0], 0, offset);
      return;
    }
    let position = offset;
    for (let first = 0; first < parts.length; first += PARTS_PER_WRITE_MAX) {
      const group = parts.slice(first, first + PARTS_PER_WRITE_MAX);
      const written = writevSync(descriptor, group, position);
      this.#finishGroup(descriptor, group, written, position);
      position += totalBytes(group);
    }
  }

  dataSync(): void {
    fdatasyncSync(this.#open('fdatasync'));
  }

  sync(): void {
    fsyncSync(this.#open('fsync'));
  }

  truncate(bytes: number): void {
    ftruncateSync(this.#open('ftruncate'), bytes);
  }

  size(): number {
    return fstatSync(this.#open('fstat')).size;
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#descriptor = undefined;
    closeSync(descriptor);
  }

  #open(systemCall: string): number {
    if (this.#descriptor === undefined) throw errnoError('EBADF', systemCall, this.#path);
    return this.#descriptor;
  }

  /** Writes what a short `writev` left over, part by part. */
  #finishGroup(
    descriptor: number,
    group: readonly Uint8Array[],
    written: number,
    offset: number,
  ): void {
    let partOffset = offset;
    let skip = written;
    for (const part of group) {
      if (skip < part.length) this.#writePart(descriptor, part, skip, partOffset + skip);
      skip = Math.max(0, skip - part.length);
      partOffset += part.length;
    }
  }

  #writePart(descriptor: number, part: Uint8Array, from: number, offset: number): void {
    let done = from;
    while (done < part.length) {
      const wanted = Math.min(part.length - done, BYTES_PER_CALL_MAX);
      const count = writeSync(descriptor, part, done, wanted, offset + done - from);
      if (count === 0) throw errnoError('EIO', 'write', this.#path);
      done += count;
    }
  }
}

function identity(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

function syncDirectory(path: string): void {
  // Windows cannot open a directory for syncing; NTFS journals names by itself.
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function createRealVfs(): Vfs {
  return {
    open: (path, mode) => new RealFile(path, mode),
    exists: (path) => statSync(path, { throwIfNoEntry: false }) !== undefined,
    list: (directory) => readdirSync(directory).sort(),
    makeDirectory: (path) => {
      mkdirSync(path, { recursive: true });
    },
    rename: renameSync,
    remove: unlinkSync,
    syncDirectory,
    identity,
  };
}
