/**
 * What reads need of the engine, and the memory they reuse. One thread: nothing here is shared.
 *
 * Invariants
 * 1. `ReadMemory` is in use only between `begin` and `end` of one synchronous read, and no code of
 *    the user's runs in between, so one set per page manager is enough.
 */
import { BufferHit, TreeCursor, TreeHit, type Pager, type WriteBuffer } from '@manifold-db/storage';
import { KEY_ENCODE_ROOM, type KeyEncoding, type ValueEncoding } from '../encoding/index.js';
import { MergedCursor } from './merged-cursor.js';

/** One per database and thread. */
export interface ReadContext {
  readonly pager: Pager;
  readonly memory: ReadMemory;
  /** Opens a page operation unless one is open already; returns whether it did. */
  begin(): boolean;
  /** Closes the operation if `opened`. */
  end(opened: boolean): void;
  /** Throws ERR_MANIFOLD_CLOSED or ERR_MANIFOLD_FORKED when nothing may be read any more. */
  assertReadable(): void;
}

/** How one handle of a column family turns keys and values into bytes. */
export interface FamilyCodec<K, V> {
  readonly key: KeyEncoding<K>;
  readonly value: ValueEncoding<V>;
}

export class ReadMemory {
  readonly pager: Pager;
  /** The page frames again, as the decoders want them. */
  readonly regions: readonly Buffer[];
  readonly hit = new TreeHit();
  readonly cursor: TreeCursor;
  /** Place of a value that a look-up found in a buffer, and the buffer. */
  readonly bufferHit = new BufferHit();
  hitBuffer: WriteBuffer | undefined;
  /** For views with buffers. */
  readonly merged: MergedCursor;
  /** Over the buffers of a view alone, deleted keys included. */
  readonly buffered: MergedCursor;

  constructor(pager: Pager) {
    this.pager = pager;
    this.regions = pager.u8.map((u8) => Buffer.from(u8.buffer, u8.byteOffset, u8.byteLength));
    this.cursor = new TreeCursor(pager);
    this.merged = new MergedCursor(pager);
    this.buffered = new MergedCursor(pager, true);
  }

  /** Index of the region that a hit points into. */
  regionOf(hit: TreeHit): number {
    const { u8 } = this.pager;
    return u8[0] === hit.u8 ? 0 : u8.indexOf(hit.u8);
  }
}

/** The key that is looked for; filled right before the descent. */
export const keyScratch = Buffer.alloc(KEY_ENCODE_ROOM);

/**
 * True when `decode` runs nothing but our own code and may therefore read page frames while the
 * operation is open. A codec of the user's may call back into the database and even wait for other
 * threads (msgpack extensions may, too); it gets a private copy, after the operation.
 */
export function decodesInPlace(encoding: ValueEncoding<unknown>): boolean {
  return encoding.name === 'utf8' || encoding.name === 'json';
}

/** True when decoding means copying. */
export function givesBytes(encoding: ValueEncoding<unknown>): boolean {
  return encoding.name === 'buffer';
}
