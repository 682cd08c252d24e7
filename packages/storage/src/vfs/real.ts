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
import { dirname } from 'node:path';
import { errnoOf } from '../errors.js';
import { errnoError, type OpenMode, type Vfs, type VfsFile } from './vfs.js';
import { writeWhole } from './whole-write.js';

const OPEN_FLAGS: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  'read-write': constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
  'create-exclusive': constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};

/** One system call writes at most this much; larger parts would be cut short by the kernel. */
const BYTES_PER_CALL_MAX = 0x4000_0000;

class RealFile implements VfsFile {
  readonly #path: string;
  #descriptor: number | undefined;
  #asyncReads = 0;

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
    this.#asyncReads++;
    return new Promise((resolve, reject) => {
      read(descriptor, target, 0, target.length, offset, (error, count) => {
        this.#asyncReads--;
        try {
          if (this.#descriptor === undefined) this.#giveBack(descriptor);
        } catch (closeError) {
          reject(closeError as Error);
        }
        if (error !== null) reject(error);
        else resolve(count);
      });
    });
  }

  write(parts: readonly Uint8Array[], offset: number): void {
    const descriptor = this.#open('write');
    const writeSome = (rest: readonly Uint8Array[], position: number): number =>
      writeOnce(descriptor, rest, position);
    writeWhole(writeSome, parts, offset, this.#path);
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
    this.#giveBack(descriptor);
  }

  /** Not while it is read: its number could be that of another file by the time it is used. */
  #giveBack(descriptor: number): void {
    if (this.#asyncReads === 0) closeSync(descriptor);
  }

  #open(systemCall: string): number {
    if (this.#descriptor === undefined) throw errnoError('EBADF', systemCall, this.#path);
    return this.#descriptor;
  }
}

/** One system call; the kernel may write less. */
function writeOnce(descriptor: number, parts: readonly Uint8Array[], offset: number): number {
  if (parts.length > 1) return writevSync(descriptor, parts, offset);
  const [part] = parts;
  return writeSync(descriptor, part!, 0, Math.min(part!.length, BYTES_PER_CALL_MAX), offset);
}

function identity(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** Not `recursive: true`: on a read-only file system that says ENOENT instead of EROFS. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(path) !== path) {
      makeDirectory(dirname(path));
      mkdirSync(path);
    } else if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw error;
    }
  }
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
    makeDirectory,
    rename: renameSync,
    remove: unlinkSync,
    syncDirectory,
    identity,
  };
}
