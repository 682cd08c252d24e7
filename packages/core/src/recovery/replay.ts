/**
 * Replays what the log holds above the checkpoint through the tree writers, as one diff: private
 * pages are changed in place however often they are hit, and spilled when they outgrow the cache.
 * Runs while the database opens, before any worker; nothing is written to a durable page.
 *
 * Random keys are collected in a write buffer first and put into the trees in key order, which
 * touches every leaf once per buffer. Ascending keys gain nothing by that and go straight in.
 *
 * Invariant: operations take effect in the order of the log. The buffer is emptied before anything
 * goes into the trees beside it.
 */
import {
  BufferMergeWalk,
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  KIB,
  MIB,
  OperationCursor,
  OperationKind,
  TEST_SWITCH_DROP_NOT_REPLAYED,
  TreeRoot,
  WriteBuffer,
  corrupt,
  decodeFamilyName,
  isTestSwitchOn,
  type LogSink,
} from '@manifold-db/storage';
import { TreeChanges, type FamilyChange } from '../build/tree-changes.js';
import type { Engine } from '../engine.js';

/**
 * Most logs that are found are short: theirs fits into the first, and opening stays cheap. A full
 * one is followed by one so many times as large, up to the last.
 */
const FIRST_BUFFER_BYTES = 64 * KIB;
const BUFFER_GROWTH = 16;
const BUFFER_BYTES = 16 * MIB;

export class Replay implements LogSink {
  readonly changes: TreeChanges;
  commits = 0;
  bytes = 0;
  lastSequence: number;
  readonly #engine: Engine;
  readonly #cursor = new OperationCursor();
  readonly #byId = new Map<number, FamilyChange>();
  readonly #signal: AbortSignal | undefined;
  readonly #onFirst: () => void;
  #buffer: WriteBuffer | undefined;
  readonly #walk = new BufferMergeWalk();
  /** Payloads as the buffer takes them in: with words over the same memory. */
  #payload = new Uint8Array(0);
  #words = new Int32Array(0);
  /** The last key of the last transaction. */
  #lastKey: Uint8Array = new Uint8Array(0);

  /** `onFirst` is called before the first commit is replayed. */
  constructor(
    engine: Engine,
    fromSequence: number,
    signal: AbortSignal | undefined,
    onFirst: () => void,
  ) {
    this.#engine = engine;
    this.#onFirst = onFirst;
    this.lastSequence = fromSequence;
    this.#signal = signal;
    this.changes = new TreeChanges(engine);
    this.changes.start();
  }

  transaction(sequence: number, operationCount: number, payload: Uint8Array): void {
    this.#signal?.throwIfAborted();
    if (this.commits === 0) this.#onFirst();
    const { isPlain, isAscending, clearCount } = this.#look(sequence, operationCount, payload);
    const isEmpty = this.#buffer === undefined || this.#buffer.isEmpty;
    const isBuffered = isPlain && !(isEmpty && isAscending);
    if (!isBuffered || !this.#collect(sequence, operationCount, clearCount, payload)) {
      this.#merge();
      this.#applyAll(sequence, payload);
    }
    this.commits++;
    this.bytes += payload.length;
    this.lastSequence = sequence;
  }

  /** Everything is in the trees, the diff is complete. */
  finish(): void {
    this.#merge();
    this.#buffer = undefined;
    this.changes.finish();
  }

  /** Checks the whole payload before anything of it takes effect. */
  #look(sequence: number, operationCount: number, payload: Uint8Array) {
    const cursor = this.#start(sequence, payload);
    let seen = 0;
    let clearCount = 0;
    let isPlain = true;
    let isAscending = false;
    for (; cursor.next(); seen++) {
      const { kind } = cursor;
      if (kind === OperationKind.CLEAR) clearCount++;
      if (kind === OperationKind.CREATE_FAMILY || kind === OperationKind.DROP_FAMILY) {
        isPlain = false;
      }
      if (seen === 0) isAscending = Buffer.compare(this.#key(cursor), this.#lastKey) > 0;
    }
    if (seen !== operationCount) {
      throw corrupt(cursor.source, 0, `${seen} operations instead of ${operationCount}`);
    }
    this.#lastKey = this.#key(cursor).slice();
    return { isPlain, isAscending, clearCount };
  }

  #start(sequence: number, payload: Uint8Array): OperationCursor {
    this.#cursor.reset(payload, 0, payload.length, `log record of commit ${sequence}`);
    return this.#cursor;
  }

  #key({ bytes, keyOffset, keyBytes }: OperationCursor): Uint8Array {
    return bytes.subarray(keyOffset, keyOffset + keyBytes);
  }

  // --- by way of the buffer ---------------------------------------------------------------------

  /** False when the transaction is too large for the buffer. */
  #collect(
    sequence: number,
    operationCount: number,
    clearCount: number,
    payload: Uint8Array,
  ): boolean {
    this.#requireFamilies(sequence, payload);
    const bytes = payload.length;
    const families = this.#byId.size;
    if (!WriteBuffer.fits(BUFFER_BYTES, bytes, operationCount, clearCount, families)) return false;
    let buffer = (this.#buffer ??= newBuffer(FIRST_BUFFER_BYTES));
    if (!buffer.hasRoom(bytes, operationCount, clearCount, families)) {
      this.#merge();
      let size = buffer.bytes.length;
      do size = Math.min(BUFFER_BYTES, size * BUFFER_GROWTH);
      while (!WriteBuffer.fits(size, bytes, operationCount, clearCount, families));
      if (size > buffer.bytes.length) buffer = this.#buffer = newBuffer(size);
    }
    this.#align(payload);
    buffer.add(this.#payload, this.#words, 0, payload.length, sequence, () => 0);
    return true;
  }

  #requireFamilies(sequence: number, payload: Uint8Array): void {
    const cursor = this.#start(sequence, payload);
    while (cursor.next()) this.#change(cursor);
  }

  #align(payload: Uint8Array): void {
    if (payload.length > this.#payload.length) {
      const memory = new ArrayBuffer(Math.max(payload.length, 2 * this.#payload.length));
      this.#payload = new Uint8Array(memory);
      this.#words = new Int32Array(memory, 0, memory.byteLength >> 2);
    }
    this.#payload.set(payload);
  }

  /** Puts what the buffer holds into the trees, in key order. */
  #merge(): void {
    const buffer = this.#buffer;
    if (buffer === undefined || buffer.isEmpty) return;
    const walk = this.#walk;
    walk.reset(buffer, 0, this.lastSequence);
    while (walk.nextFamily()) {
      const change = this.#byId.get(walk.familyId)!;
      for (const { low, high } of walk.tombstones) {
        this.changes.open();
        change.writer.deleteRange(low, high);
      }
      while (walk.nextEntry()) this.#mergeEntry(buffer, walk, change);
    }
    buffer.reset();
  }

  #mergeEntry({ bytes }: WriteBuffer, walk: BufferMergeWalk, { writer }: FamilyChange): void {
    const { keyOffset, keyBytes, valueOffset, valueBytes } = walk;
    this.changes.openFor(valueBytes);
    if (walk.isDelete) writer.delete(bytes, keyOffset, keyBytes);
    else writer.put(bytes, keyOffset, keyBytes, bytes, valueOffset, valueBytes);
  }

  // --- one by one -------------------------------------------------------------------------------

  #applyAll(sequence: number, payload: Uint8Array): void {
    const cursor = this.#start(sequence, payload);
    while (cursor.next()) this.#apply(cursor, sequence);
  }

  #apply(cursor: OperationCursor, sequence: number): void {
    if (cursor.kind === OperationKind.CREATE_FAMILY) {
      this.#create(cursor);
      return;
    }
    const change = this.#change(cursor);
    this.changes.openFor(cursor.valueBytes);
    switch (cursor.kind) {
      case OperationKind.PUT:
        change.writer.put(
          cursor.bytes,
          cursor.keyOffset,
          cursor.keyBytes,
          cursor.bytes,
          cursor.valueOffset,
          cursor.valueBytes,
        );
        break;
      case OperationKind.DELETE:
        change.writer.delete(cursor.bytes, cursor.keyOffset, cursor.keyBytes);
        break;
      case OperationKind.CLEAR:
        change.writer.deleteRange(...clearBounds(cursor));
        break;
      default:
        // B13 re-injected: what the log says of the family before is all that counts.
        if (isTestSwitchOn(this.#engine.shared, TEST_SWITCH_DROP_NOT_REPLAYED)) return;
        this.changes.drop(change);
        this.#byId.delete(cursor.columnFamilyId);
        this.#engine.families.admitDrop(change.entry, sequence);
    }
  }

  #create(cursor: OperationCursor): void {
    const { families } = this.#engine;
    const start = cursor.keyOffset;
    const nameBytes = cursor.bytes.slice(start, start + cursor.keyBytes);
    const name = decodeFamilyName(nameBytes, cursor.source, start);
    const entry = families.entry(name);
    if (entry.exists || families.byId(cursor.columnFamilyId) !== undefined) {
      throw corrupt(cursor.source, start, `the column family ${name} is created twice`);
    }
    families.assign(entry, cursor.columnFamilyId);
    // Nobody looks behind what was recovered.
    families.admitCreation(entry, 0);
    this.#byId.set(cursor.columnFamilyId, this.changes.add(entry, new TreeRoot(), true));
  }

  #change(cursor: OperationCursor): FamilyChange {
    const id = cursor.columnFamilyId;
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const entry = this.#engine.families.byId(id);
    if (entry === undefined || entry.id !== id) {
      throw corrupt(cursor.source, cursor.position, `there is no column family ${id}`);
    }
    const root = new TreeRoot();
    this.#engine.families.readAdmitted(entry, root);
    const change = this.changes.add(entry, root, false);
    this.#byId.set(id, change);
    return change;
  }
}

/** Read by this thread alone. */
function newBuffer(bytes: number): WriteBuffer {
  const buffer = new WriteBuffer(new ArrayBuffer(bytes));
  buffer.reset();
  return buffer;
}

function clearBounds(cursor: OperationCursor): [Uint8Array | undefined, Uint8Array | undefined] {
  const { bytes, flags, keyOffset, keyBytes, valueOffset, valueBytes } = cursor;
  const low = bytes.slice(keyOffset, keyOffset + keyBytes);
  const high = bytes.slice(valueOffset, valueOffset + valueBytes);
  return [
    (flags & CLEAR_HAS_LOW) === 0 ? undefined : low,
    (flags & CLEAR_HAS_HIGH) === 0 ? undefined : high,
  ];
}
