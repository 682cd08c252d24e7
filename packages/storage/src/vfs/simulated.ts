/**
 * A disk in memory that knows which bytes are durable, for crash tests that run the whole engine in
 * one thread. Content is shared copy-on-write between a disk, its snapshots and its crash states.
 *
 * Model:
 * 1. A write or truncate is pending on its file until `dataSync` or `sync` of that file.
 * 2. A creation, rename, removal or new directory is pending until `syncDirectory` of its
 *    directory. Syncing a file does not make its name durable.
 * 3. A crash starts from the durable state and applies the pending changes that survive, in order.
 * 4. A file whose name is lost is lost; so is everything below a directory whose name is lost.
 * 5. A sync that fails (`failSync`) takes what was written out of the reach of later syncs,
 *    although it still reads as written, as on Linux. What is written anew is pending again.
 */
import { posix } from 'node:path';
import { assert } from '../assert.js';
import { Content } from './content.js';
import { ContentHash } from './content-hash.js';
import { partOf, piecesOf } from './content-pieces.js';
import {
  survivals,
  type CrashOptions,
  type PendingChange,
  type PendingFileChange,
  type PendingNameChange,
  type PendingWrite,
  type Survival,
} from './pending.js';
import { errnoError, totalBytes, type OpenMode, type Vfs, type VfsFile } from './vfs.js';

const ROOT = '/';
const ROOT_INODE = 1;

interface Inode {
  readonly isDirectory: boolean;
  durable: Content;
  current: Content;
  pending: PendingFileChange[];
  /** A failed sync has left `current` with bytes that are neither durable nor pending. */
  hasLost: boolean;
  openCount: number;
}

function newInode(isDirectory: boolean): Inode {
  const [durable, current] = [new Content(), new Content()];
  return { isDirectory, durable, current, pending: [], hasLost: false, openCount: 0 };
}

function copyInode(inode: Inode): Inode {
  const durable = inode.durable.copy();
  const current = inode.current.copy();
  return { ...inode, durable, current, pending: inode.pending.slice(), openCount: 0 };
}

function applyTo(content: Content, change: PendingFileChange): void {
  if (change.kind === 'truncate') content.truncate(change.offset);
  else content.write(change.pieces);
}

function normalize(path: string): string {
  return posix.resolve(ROOT, path);
}

/** A piece of a file that was read. */
export interface ReadPlace {
  readonly inode: number;
  /** Number of the piece, in pieces of 4 KiB. */
  readonly index: number;
  /** Of its content. */
  readonly hash: number;
}

let disksMade = 0;

export class SimulatedDisk {
  /**
   * Called before every operation with the number of operations done so far: the state it sees is
   * a crash boundary, and so is the state after the last operation. May throw, then the operation
   * does not happen (the process died here).
   */
  onOperation: ((index: number, description: string) => void) | undefined;

  readonly #device = `sim${(disksMade += 1)}`;
  #operationCount = 0;
  #nextInode = ROOT_INODE + 1;
  #inodes = new Map<number, Inode>([[ROOT_INODE, newInode(true)]]);
  #names = new Map<string, number>([[ROOT, ROOT_INODE]]);
  #durableNames = new Map<string, number>([[ROOT, ROOT_INODE]]);
  #pendingNames: PendingNameChange[] = [];

  /** Creations, writes, truncates, syncs, renames, removals so far. */
  get operationCount(): number {
    return this.#operationCount;
  }

  /** A view of this disk; all views and open files see the same bytes. */
  vfs(): Vfs {
    return {
      open: (path, mode) => this.#open(normalize(path), mode),
      exists: (path) => this.#names.has(normalize(path)),
      list: (directory) => this.#list(normalize(directory)),
      makeDirectory: (path) => this.#makeDirectory(normalize(path)),
      rename: (from, to) => this.#rename(normalize(from), normalize(to)),
      remove: (path) => this.#remove(normalize(path)),
      syncDirectory: (path) => this.#syncDirectory(normalize(path)),
      identity: (path) => {
        const inode = this.#names.get(normalize(path));
        return inode === undefined ? undefined : `${this.#device}:${inode}`;
      },
    };
  }

  /** Everything that a power loss may take, in the order in which it was done. */
  pendingWrites(): PendingWrite[] {
    return this.#pending().map((change, index) => {
      const { operation, kind, description } = change;
      const { offset, bytes } = change.kind === 'write' ? change : { offset: 0, bytes: 0 };
      return { index, operation, kind, description, offset, bytes };
    });
  }

  /**
   * Hash of all names and contents as they read now, 53 bits wide; of one file when a path is
   * given. Equal contents have equal hashes, whatever was done to get there.
   */
  contentHash(path?: string): number {
    const hash = new ContentHash();
    const wanted = path === undefined ? undefined : normalize(path);
    for (const name of [...this.#names.keys()].sort()) {
      if (wanted !== undefined && name !== wanted) continue;
      hash.addText(name);
      this.#inodes.get(this.#names.get(name)!)!.current.addTo(hash);
    }
    return hash.value();
  }

  /** Names and lengths of everything; contents aside. */
  shape(): string {
    const lines = [...this.#names].map(([path, id]) => {
      const { isDirectory, current } = this.#inodes.get(id)!;
      return `${path} ${id} ${isDirectory} ${current.bytes}`;
    });
    return lines.sort().join('\n');
  }

  /**
   * Calls back for every piece of content that is read from now on and was there before, once. What
   * a program does that reads the same from a disk of the same shape is the same.
   */
  observeReads(observer: (place: ReadPlace) => void): void {
    for (const [inode, { current }] of this.#inodes) {
      current.observe((index, hash) => observer({ inode, index, hash }));
    }
  }

  /** Counts pieces as read, for the observer, without reading them. */
  noteReads(places: Iterable<Pick<ReadPlace, 'inode' | 'index'>>): void {
    for (const { inode, index } of places) this.#inodes.get(inode)?.current.noteRead(index);
  }

  /** What would be read at a place; `undefined` where there is no such file. */
  hashAt(inode: number, index: number): number | undefined {
    return this.#inodes.get(inode)?.current.hashAt(index);
  }

  /** A copy of the whole state, pending changes included. Files opened here stay with this disk. */
  snapshot(): SimulatedDisk {
    const copy = new SimulatedDisk();
    copy.#operationCount = this.#operationCount;
    copy.#nextInode = this.#nextInode;
    copy.#inodes = new Map();
    for (const [id, inode] of this.#inodes) copy.#inodes.set(id, copyInode(inode));
    copy.#names = new Map(this.#names);
    copy.#durableNames = new Map(this.#durableNames);
    copy.#pendingNames = this.#pendingNames.slice();
    return copy;
  }

  /** A new disk with what is left after a power loss now; everything on it is durable. */
  crash(options: CrashOptions): SimulatedDisk {
    const changes = this.#pending();
    const fates = survivals(changes, options);
    const disk = new SimulatedDisk();
    disk.#nextInode = this.#nextInode;
    disk.#durableNames = new Map(this.#durableNames);
    disk.#inodes = new Map();
    for (const [id, inode] of this.#inodes) {
      inode.durable.settleHash();
      const durable = inode.durable.copy();
      disk.#inodes.set(id, { ...newInode(inode.isDirectory), durable, current: durable });
    }
    changes.forEach((change, index) => {
      const fate = fates[index];
      if (fate !== undefined) disk.#survive(change, fate);
    });
    disk.#settle();
    return disk;
  }

  /**
   * What a failing sync of the file leaves: every pending write has reached the disk, if `survives`
   * says so, or is lost for later syncs. New sizes stay pending: they are the journal's.
   */
  failSync(path: string, survives: () => boolean): void {
    const inode = this.#inode(normalize(path), 'failSync');
    inode.pending = inode.pending.filter((change) => {
      if (change.kind === 'truncate') return true;
      if (survives()) applyTo(inode.durable, change);
      else inode.hasLost = true;
      return false;
    });
  }

  /** Turns one bit of a file over, durably: damage, not a write. */
  flipBit(path: string, offset: number, bit: number): void {
    const inode = this.#inode(normalize(path), 'flipBit');
    for (const content of [inode.durable, inode.current]) {
      if (offset >= content.bytes) continue;
      const byte = new Uint8Array(1);
      content.read(byte, offset);
      byte[0] ^= 1 << bit;
      content.write(piecesOf(byte, offset));
    }
  }

  #open(path: string, mode: OpenMode): VfsFile {
    const found = this.#names.get(path);
    if (found !== undefined) {
      if (mode === 'create-exclusive') throw errnoError('EEXIST', 'open', path);
      const inode = this.#inode(path, 'open');
      if (inode.isDirectory) throw errnoError('EISDIR', 'open', path);
      return this.#file(found, path, mode !== 'read');
    }
    if (mode === 'read' || mode === 'read-write') throw errnoError('ENOENT', 'open', path);
    this.#requireDirectory(posix.dirname(path), 'open', path);
    const id = this.#nextInode;
    this.#changeNames(`create ${path}`, [[path, id]], () => {
      this.#nextInode += 1;
      this.#inodes.set(id, newInode(false));
    });
    return this.#file(id, path, true);
  }

  #file(id: number, path: string, isWritable: boolean): VfsFile {
    let isOpen = true;
    const opened = this.#inodes.get(id);
    assert(opened !== undefined, 'a name leads to an inode');
    opened.openCount += 1;
    const inode = (systemCall: string, isWrite = false): Inode => {
      if (!isOpen || (isWrite && !isWritable)) throw errnoError('EBADF', systemCall, path);
      return opened;
    };
    const sync = (systemCall: string): void => {
      const file = inode(systemCall);
      this.#begin(`${systemCall} ${path}`);
      if (file.hasLost) for (const change of file.pending) applyTo(file.durable, change);
      else file.durable = file.current.copy();
      file.pending = [];
    };
    return {
      read: (target, offset) => inode('read').current.read(target, offset),
      write: (parts, offset) => this.#write(inode('write', true), id, path, parts, offset),
      dataSync: () => sync('dataSync'),
      sync: () => sync('sync'),
      truncate: (bytes) => this.#truncate(inode('truncate', true), id, path, bytes),
      size: () => inode('size').current.bytes,
      close: () => {
        if (isOpen) opened.openCount -= 1;
        isOpen = false;
      },
    };
  }

  #write(
    inode: Inode,
    id: number,
    path: string,
    parts: readonly Uint8Array[],
    offset: number,
  ): void {
    const data = new Uint8Array(totalBytes(parts));
    let done = 0;
    for (const part of parts) {
      data.set(part, done);
      done += part.length;
    }
    const bytes = data.length;
    const description = `write ${path} ${offset}+${bytes}`;
    const operation = this.#begin(description);
    const pieces = piecesOf(data, offset);
    inode.pending.push({ kind: 'write', operation, inode: id, offset, bytes, pieces, description });
    inode.current.write(pieces);
  }

  #truncate(inode: Inode, id: number, path: string, bytes: number): void {
    const description = `truncate ${path} ${bytes}`;
    const operation = this.#begin(description);
    const place = { inode: id, offset: bytes, bytes: 0, pieces: [] };
    inode.pending.push({ kind: 'truncate', operation, ...place, description });
    inode.current.truncate(bytes);
  }

  #list(directory: string): string[] {
    this.#requireDirectory(directory, 'scandir', directory);
    const names: string[] = [];
    for (const path of this.#names.keys()) {
      if (path !== ROOT && posix.dirname(path) === directory) names.push(posix.basename(path));
    }
    return names.sort();
  }

  #makeDirectory(path: string): void {
    if (this.#names.has(path)) {
      if (!this.#inode(path, 'mkdir').isDirectory) throw errnoError('EEXIST', 'mkdir', path);
      return;
    }
    this.#makeDirectory(posix.dirname(path));
    const id = this.#nextInode;
    this.#changeNames(`mkdir ${path}`, [[path, id]], () => {
      this.#nextInode += 1;
      this.#inodes.set(id, newInode(true));
    });
  }

  #rename(from: string, to: string): void {
    const inode = this.#inode(from, 'rename');
    if (inode.isDirectory) throw errnoError('EISDIR', 'rename', from);
    this.#requireDirectory(posix.dirname(to), 'rename', to);
    const id = this.#names.get(from);
    const changes: [string, number | undefined][] = [[to, id]];
    if (from !== to) changes.push([from, undefined]);
    this.#changeNames(`rename ${from} ${to}`, changes);
  }

  #remove(path: string): void {
    if (this.#inode(path, 'unlink').isDirectory) throw errnoError('EISDIR', 'unlink', path);
    this.#changeNames(`remove ${path}`, [[path, undefined]]);
  }

  #syncDirectory(directory: string): void {
    this.#requireDirectory(directory, 'syncDirectory', directory);
    this.#begin(`syncDirectory ${directory}`);
    this.#pendingNames = this.#pendingNames.filter((change) => {
      const isHere = change.changes.some(([path]) => posix.dirname(path) === directory);
      if (isHere) this.#applyNames(this.#durableNames, change);
      return !isHere;
    });
    this.#forgetUnnamed();
  }

  /** Drops files that nobody has open and that no crash can bring back. */
  #forgetUnnamed(): void {
    const named = new Set([...this.#names.values(), ...this.#durableNames.values()]);
    for (const { changes } of this.#pendingNames) {
      for (const [, id] of changes) if (id !== undefined) named.add(id);
    }
    for (const [id, inode] of this.#inodes) {
      if (!named.has(id) && inode.openCount === 0) this.#inodes.delete(id);
    }
  }

  #changeNames(
    description: string,
    changes: [string, number | undefined][],
    prepare?: () => void,
  ): void {
    const operation = this.#begin(description);
    prepare?.();
    const change: PendingNameChange = { kind: 'names', operation, changes, description };
    this.#pendingNames.push(change);
    this.#applyNames(this.#names, change);
  }

  #applyNames(names: Map<string, number>, change: PendingNameChange): void {
    for (const [path, id] of change.changes) {
      if (id === undefined) names.delete(path);
      else names.set(path, id);
    }
  }

  #begin(description: string): number {
    this.onOperation?.(this.#operationCount, description);
    this.#operationCount += 1;
    return this.#operationCount - 1;
  }

  #pending(): PendingChange[] {
    const changes: PendingChange[] = this.#pendingNames.slice();
    for (const inode of this.#inodes.values()) changes.push(...inode.pending);
    return changes.sort((a, b) => a.operation - b.operation);
  }

  #survive(change: PendingChange, fate: Survival): void {
    if (change.kind === 'names') {
      this.#applyNames(this.#durableNames, change);
      return;
    }
    const content = this.#inodes.get(change.inode)?.durable;
    if (content === undefined) return;
    if (change.kind === 'truncate') content.truncate(change.offset);
    else content.write(partOf(change.pieces, fate.from, fate.to));
  }

  /** Forgets what has no name any more, and makes the durable state the current one. */
  #settle(): void {
    const isReachable = (path: string): boolean =>
      path === ROOT || (this.#durableNames.has(path) && isReachable(posix.dirname(path)));
    for (const path of this.#durableNames.keys()) {
      if (!isReachable(path)) this.#durableNames.delete(path);
    }
    this.#names = new Map(this.#durableNames);
    const named = new Set(this.#names.values());
    for (const [id, inode] of this.#inodes) {
      if (named.has(id)) inode.current = inode.durable.copy();
      else this.#inodes.delete(id);
    }
  }

  #inode(path: string, systemCall: string): Inode {
    const id = this.#names.get(path);
    const inode = id === undefined ? undefined : this.#inodes.get(id);
    if (inode === undefined) throw errnoError('ENOENT', systemCall, path);
    return inode;
  }

  #requireDirectory(directory: string, systemCall: string, path: string): void {
    const id = this.#names.get(directory);
    if (id === undefined) throw errnoError('ENOENT', systemCall, path);
    if (this.#inodes.get(id)?.isDirectory !== true) throw errnoError('ENOTDIR', systemCall, path);
  }
}
