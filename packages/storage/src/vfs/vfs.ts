/**
 * The file system as the engine sees it. Every access to a file goes through a `Vfs`, so that tests
 * can make the disk slow, broken or simulated. All calls are synchronous and positional; a `Vfs`
 * belongs to the thread that made it, the files behind it may be open in several threads.
 *
 * Errors are `NodeJS.ErrnoException`s: whoever knows what a file is for turns them into
 * `ManifoldError`s.
 */
export interface VfsFile {
  /**
   * Reads up to `target.length` bytes at `offset` and returns how many; fewer only at the end of
   * the file. `target` may be a view of shared memory.
   */
  read(target: Uint8Array, offset: number): number;
  /** The same without blocking the thread, where the file system can; `target` is private. */
  readAsync?(target: Uint8Array, offset: number): Promise<number>;
  /** Writes all of `parts` one after another at `offset`; continues short writes. */
  write(parts: readonly Uint8Array[], offset: number): void;
  /** Makes the data durable, and the size where it is needed to read them (`fdatasync`). */
  dataSync(): void;
  /** Makes data, size and metadata durable (`fsync`). */
  sync(): void;
  /** Cuts the file, or extends it with zeros. */
  truncate(bytes: number): void;
  size(): number;
  /** Idempotent. */
  close(): void;
}

/** `create` opens or creates; `create-exclusive` fails with EEXIST when the name is taken. */
export type OpenMode = 'read' | 'read-write' | 'create' | 'create-exclusive';

export interface Vfs {
  open(path: string, mode: OpenMode): VfsFile;
  exists(path: string): boolean;
  /** Names in a directory, sorted. */
  list(directory: string): string[];
  /** With its parents; nothing happens when it is there. */
  makeDirectory(path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Makes the names in a directory durable: creations, renames and removals. */
  syncDirectory(path: string): void;
  /** `device:inode`, following links; `undefined` when there is no such file. */
  identity(path: string): string | undefined;
}

/** An error as the operating system would report it. */
export function errnoError(code: string, systemCall: string, path: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${systemCall} '${path}'`);
  error.code = code;
  error.syscall = systemCall;
  error.path = path;
  return error;
}

/** Whether the call that failed was to make something durable: `fsync`, `fdatasync`. */
export function isSyncError(error: unknown): boolean {
  if (!(error instanceof Error) || !('syscall' in error)) return false;
  return typeof error.syscall === 'string' && /sync/i.test(error.syscall);
}

export function totalBytes(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}
