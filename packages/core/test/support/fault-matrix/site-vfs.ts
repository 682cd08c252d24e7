/**
 * A file system that counts the calls of every call site, an operation on a kind of file, and lets
 * one of them fail: the n-th call, or all from the n-th on.
 */
import { basename, dirname } from 'node:path';
import {
  DATA_FILE_NAME,
  DATA_FILE_TEMPORARY_NAME,
  SEGMENT_RECYCLED_NAME,
  SEGMENT_TEMPORARY_NAME,
  errnoError,
  parseSegmentFileName,
  writeWhole,
  type FailedSync,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';

export const ERRNOS = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'EINTR'] as const;
export const WRITE_FAULTS = ['short-write', 'cut-write', 'zero-write'] as const;
/**
 * `short-write`: the system call takes half, and is called again; `cut-write`: half is written,
 * then ENOSPC; `zero-write`: the call takes nothing and says so.
 */
export type FaultKind = (typeof ERRNOS)[number] | (typeof WRITE_FAULTS)[number];

export interface Fault {
  /** `write log`, `dataSync data`. */
  readonly site: string;
  /** Calls of the site that succeed first. */
  readonly after: number;
  readonly kind: FaultKind;
  /** All later calls of the site fail as well. */
  readonly isSticky: boolean;
}

/** The role of a file, whatever its number or nonce. */
function roleOf(path: string): string {
  const name = basename(path);
  const place = dirname(path).startsWith('/copy') || path === '/copy' ? 'copy ' : '';
  if (name === DATA_FILE_NAME) return `${place}data`;
  if (name === DATA_FILE_TEMPORARY_NAME) return `${place}new-data`;
  if (name === SEGMENT_TEMPORARY_NAME) return `${place}new-log`;
  if (name === SEGMENT_RECYCLED_NAME) return `${place}recycled-log`;
  if (parseSegmentFileName(name) !== undefined) return `${place}log`;
  if (name.startsWith('LOCK')) return 'lock';
  return path === '/' ? 'parent' : `${place}directory`;
}

export class SiteVfs {
  /** Calls of each site so far. */
  readonly calls = new Map<string, number>();
  /** Paths of the files open now. */
  readonly open: string[] = [];
  /** Calls that failed. */
  hits = 0;
  readonly vfs: Vfs;
  readonly fault: Fault | undefined;
  /** Whether the fault can still strike. */
  isActive = true;
  #isPaused = false;
  readonly #onFailedSync: FailedSync;

  constructor(base: Vfs, fault?: Fault, onFailedSync: FailedSync = () => {}) {
    this.fault = fault;
    this.#onFailedSync = onFailedSync;
    this.vfs = {
      open: (path, mode) => {
        this.#check('open', path);
        const file = base.open(path, mode);
        this.open.push(path);
        return this.#file(file, path);
      },
      exists: (path) => this.#run('exists', path, () => base.exists(path)),
      identity: (path) => this.#run('identity', path, () => base.identity(path)),
      list: (path) => this.#run('list', path, () => base.list(path)),
      makeDirectory: (path) => this.#run('makeDirectory', path, () => base.makeDirectory(path)),
      rename: (from, to) => this.#run('rename', from, () => base.rename(from, to)),
      remove: (path) => this.#run('remove', path, () => base.remove(path)),
      syncDirectory: (path) => this.#run('syncDirectory', path, () => base.syncDirectory(path)),
    };
  }

  /** What the test itself looks at is neither counted nor made to fail. */
  unharmed<T>(look: () => T): T {
    this.#isPaused = true;
    try {
      return look();
    } finally {
      this.#isPaused = false;
    }
  }

  #file(file: VfsFile, path: string): VfsFile {
    let isOpen = true;
    return {
      read: (target, offset) => this.#run('read', path, () => file.read(target, offset)),
      write: (parts, offset) => this.#write(file, path, parts, offset),
      dataSync: () => this.#sync('dataSync', file, path),
      sync: () => this.#sync('sync', file, path),
      truncate: (bytes) => this.#run('truncate', path, () => file.truncate(bytes)),
      size: () => this.#run('size', path, () => file.size()),
      close: () => {
        if (isOpen) this.open.splice(this.open.indexOf(path), 1);
        isOpen = false;
        file.close();
      },
    };
  }

  #run<T>(operation: string, path: string, call: () => T): T {
    this.#check(operation, path);
    return call();
  }

  #sync(operation: 'dataSync' | 'sync', file: VfsFile, path: string): void {
    if (!this.#strikes(operation, path)) {
      file[operation]();
      return;
    }
    this.#onFailedSync(path);
    throw errnoError(this.fault!.kind, operation, path);
  }

  #check(operation: string, path: string): void {
    if (!this.#strikes(operation, path)) return;
    throw errnoError(this.fault!.kind, operation, path);
  }

  /** Counts the call; true when it has to fail. */
  #strikes(operation: string, path: string): boolean {
    if (this.#isPaused) return false;
    const site = `${operation} ${roleOf(path)}`;
    const before = this.calls.get(site) ?? 0;
    this.calls.set(site, before + 1);
    const { fault } = this;
    if (fault === undefined || !this.isActive || fault.site !== site) return false;
    const isHit = fault.isSticky ? before >= fault.after : before === fault.after;
    if (isHit) this.hits += 1;
    return isHit;
  }

  #write(file: VfsFile, path: string, parts: readonly Uint8Array[], offset: number): void {
    if (!this.#strikes('write', path)) {
      file.write(parts, offset);
      return;
    }
    const { kind } = this.fault!;
    if (!(WRITE_FAULTS as readonly string[]).includes(kind)) throw errnoError(kind, 'write', path);
    let calls = 0;
    const writeSome = (rest: readonly Uint8Array[], position: number): number => {
      if (kind === 'zero-write') return 0;
      if (kind === 'cut-write' && calls > 0) throw errnoError('ENOSPC', 'write', path);
      calls += 1;
      const bytes = Buffer.concat(rest);
      const count = Math.max(1, bytes.length >>> 1);
      file.write([bytes.subarray(0, count)], position);
      return count;
    };
    // The same loop as around the real system call.
    writeWhole(writeSome, parts, offset, path);
  }
}

/** A fault as text, and back: a case of the proof. */
export function faultText({ kind, isSticky, site, after }: Fault): string {
  return `${kind} ${isSticky ? 'sticky' : 'once'} ${site} after ${after}`;
}

export function parseFault(text: string): Fault {
  const found = /^(\S+) (once|sticky) (.+) after (\d+)$/.exec(text);
  if (found === null) throw new Error(`not a fault: ${text}`);
  const [, kind, how, site, after] = found;
  return {
    kind: kind as FaultKind,
    isSticky: how === 'sticky',
    site: site!,
    after: Number(after),
  };
}
