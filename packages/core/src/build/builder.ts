/**
 * CommitStage.BuildChanges: turns the operations of one transaction into log bytes (staging), and
 * keeps what its own reads need to see them: a page diff (page-builder.ts) or a private buffer
 * (buffer-builder.ts). Nothing is visible to anyone else until the commit is appended. Main thread;
 * `write` transactions share one builder, every optimistic transaction has its own, started on its
 * snapshot.
 *
 * Invariant: log bytes and changes always say the same. An operation is refused (encoding, size)
 * before it changes either; one that fails in between (a page that cannot be read or written)
 * leaves the builder broken: it cannot be committed until `abort`, or going back to a mark, has
 * treated both.
 */
import {
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  OPERATION_HEADER_BYTES,
  OperationKind,
  padTo4,
} from '@manifold-db/storage';
import {
  KEY_ENCODE_ROOM,
  encodeKey,
  writeOwn,
  type KeyEncoding,
  type ValueEncoding,
} from '../encoding/index.js';
import type { Families, FamilyEntry } from '../families.js';
import type { FamilyView } from '../read/index.js';
import { Staging } from '../staging.js';

/** A point to go back to. */
export interface BuildMark {
  readonly length: number;
  readonly operationCount: number;
}

/** Fills in a family as the transaction finds it when it starts; false when there is none. */
export type ViewSource = (entry: FamilyEntry, view: FamilyView) => boolean;

/** What a transaction did to one family. */
export interface FamilyTouch {
  readonly entry: FamilyEntry;
  /** Id and slot at the time: a dropped family's entry moves on, also below an older version. */
  readonly id: number;
  readonly slot: number;
  readonly isCreated: boolean;
  isDropped: boolean;
}

/** A family that the transaction creates, and where its operations begin in the staging buffer. */
interface Creation {
  readonly entry: FamilyEntry;
  readonly id: number;
  readonly at: number;
}

export abstract class TransactionBuilder<Change extends FamilyTouch = FamilyTouch> {
  readonly staging = new Staging();
  protected source: ViewSource = () => false;
  readonly #families: Families;
  readonly #bytesMax: number;
  /** The family of the last operation: most transactions stay in one for a while. */
  #last: Change | undefined;
  /** In the order of `at`. */
  #creations: Creation[] = [];
  /** Why log bytes and changes may disagree. */
  #breakage: { readonly error: unknown } | undefined;

  constructor(families: Families, bytesMax: number) {
    this.#families = families;
    this.#bytesMax = bytesMax;
  }

  start(source: ViewSource): void {
    this.staging.reset();
    this.source = source;
    if (this.#creations.length > 0) this.#creations = [];
    this.#last = undefined;
    this.#breakage = undefined;
  }

  // --- how the operations become changes --------------------------------------------------------

  protected abstract findChange(entry: FamilyEntry): Change | undefined;
  /** Takes in a family that exists, or one that the transaction creates. */
  protected abstract addChange(entry: FamilyEntry, isCreated: boolean): Change;
  /** Whether the family exists in the version that the transaction starts from. */
  protected abstract existsBefore(entry: FamilyEntry): boolean;
  protected abstract touched(): readonly Change[];
  /** The operation stands sealed in the staging buffer. */
  protected abstract applyPut(
    change: Change,
    keyAt: number,
    keyBytes: number,
    valueAt: number,
    valueBytes: number,
  ): void;
  /** The key stands in the staging buffer; false when there is no such key. */
  protected abstract applyDelete(change: Change, keyAt: number, keyBytes: number): boolean;
  /** False when there is nothing in the range. */
  protected abstract applyClear(
    change: Change,
    low: Uint8Array | undefined,
    high: Uint8Array | undefined,
  ): boolean;
  protected abstract applyDrop(change: Change): void;
  protected abstract forget(): void;

  /** The version built so far, with what the transaction has changed. */
  abstract readView(entry: FamilyEntry, view: FamilyView): void;
  /** What was built so far stays as it is, for iterators that show it. */
  abstract freeze(): void;
  /** For an iterator: keeps a view that `readView` filled in up to date with where it stands. */
  abstract follow(entry: FamilyEntry, view: FamilyView): () => FamilyView;
  /** Ends what must not stay open between two turns of the event loop. */
  abstract pause(): void;

  /** Throws what broke the builder, also when the caller of the operation swallowed it. */
  requireWhole(): void {
    if (this.#breakage !== undefined) throw this.#breakage.error;
  }

  #broken(error: unknown): unknown {
    this.#breakage ??= { error };
    return error;
  }

  get isEmpty(): boolean {
    return this.staging.operationCount === 0;
  }

  // --- operations -------------------------------------------------------------------------------

  put<K, V>(
    entry: FamilyEntry,
    keys: KeyEncoding<K>,
    values: ValueEncoding<V>,
    key: K,
    value: V,
  ): void {
    // First, as both may run code of the user's, which may call anything of this transaction.
    const own = keys.own(key);
    this.putOwn(entry, keys, values, own, value, values.byteLengthBound(value));
  }

  /** `key` and `bound` are what `own` and, last, `byteLengthBound` gave: no code but ours runs. */
  putOwn<K, V>(
    entry: FamilyEntry,
    keys: KeyEncoding<K>,
    values: ValueEncoding<V>,
    key: K,
    value: V,
    bound: number,
  ): void {
    const change = this.#last?.entry === entry ? this.#last : this.existing(entry);
    if (change === undefined) {
      // Encoded before the family is created: a refused key must leave no family behind.
      this.putRaw(entry, encodeKey(keys, key), writeOwn(values, value, bound));
      return;
    }
    this.#last = change;
    const { staging } = this;
    staging.ensure(OPERATION_HEADER_BYTES + padTo4(bound) + KEY_ENCODE_ROOM);
    const valueAt = staging.length + OPERATION_HEADER_BYTES;
    const valueBytes = values.write(value, staging.bytes, valueAt);
    const keyAt = valueAt + padTo4(valueBytes);
    const keyBytes = keys.encode(key, staging.bytes, keyAt);
    this.#put(change, keyAt, keyBytes, valueAt, valueBytes);
  }

  /** Bytes as they are: batches, waiting copies, the replay of an optimistic transaction. */
  putRaw(entry: FamilyEntry, key: Uint8Array, value: Uint8Array): void {
    // Before the family is created: a value that is refused must leave no family behind.
    this.requireRoom(key.length, value.length);
    const change = this.#change(entry);
    const { staging } = this;
    staging.ensure(OPERATION_HEADER_BYTES + padTo4(value.length) + padTo4(key.length));
    const valueAt = staging.length + OPERATION_HEADER_BYTES;
    const keyAt = valueAt + padTo4(value.length);
    staging.bytes.set(value, valueAt);
    staging.bytes.set(key, keyAt);
    this.#put(change, keyAt, key.length, valueAt, value.length);
  }

  #put(change: Change, keyAt: number, keyBytes: number, valueAt: number, valueBytes: number): void {
    this.requireRoom(keyBytes, valueBytes);
    try {
      this.staging.seal(OperationKind.PUT, 0, change.id, keyBytes, valueBytes);
      this.applyPut(change, keyAt, keyBytes, valueAt, valueBytes);
    } catch (error) {
      throw this.#broken(error);
    }
  }

  delete<K>(entry: FamilyEntry, keys: KeyEncoding<K>, key: K): void {
    const own = keys.own(key);
    const { staging } = this;
    staging.ensure(OPERATION_HEADER_BYTES + KEY_ENCODE_ROOM);
    const keyAt = staging.length + OPERATION_HEADER_BYTES;
    this.#delete(entry, keyAt, keys.encode(own, staging.bytes, keyAt));
  }

  deleteRaw(entry: FamilyEntry, key: Uint8Array): void {
    const { staging } = this;
    staging.ensure(OPERATION_HEADER_BYTES + padTo4(key.length));
    const keyAt = staging.length + OPERATION_HEADER_BYTES;
    staging.bytes.set(key, keyAt);
    this.#delete(entry, keyAt, key.length);
  }

  /** A key that is not there leaves no trace in the log. */
  #delete(entry: FamilyEntry, keyAt: number, keyBytes: number): void {
    const change = this.existing(entry);
    if (change === undefined) return;
    this.requireRoom(keyBytes, 0);
    try {
      if (!this.applyDelete(change, keyAt, keyBytes)) return;
    } catch (error) {
      throw this.#broken(error);
    }
    this.staging.seal(OperationKind.DELETE, 0, change.id, keyBytes, 0);
  }

  /** Removes [low, high); `undefined` leaves a side open. */
  clear(entry: FamilyEntry, low: Uint8Array | undefined, high: Uint8Array | undefined): void {
    const change = this.existing(entry);
    if (change === undefined) return;
    const lowBytes = low?.length ?? 0;
    const highBytes = high?.length ?? 0;
    this.requireRoom(lowBytes, highBytes);
    try {
      if (!this.applyClear(change, low, high)) return;
    } catch (error) {
      throw this.#broken(error);
    }
    this.stageClear(change, low, high);
  }

  protected stageClear(
    change: Change,
    low: Uint8Array | undefined,
    high: Uint8Array | undefined,
  ): void {
    const { staging } = this;
    const lowBytes = low?.length ?? 0;
    const highBytes = high?.length ?? 0;
    staging.ensure(OPERATION_HEADER_BYTES + padTo4(highBytes) + padTo4(lowBytes));
    const highAt = staging.length + OPERATION_HEADER_BYTES;
    if (high !== undefined) staging.bytes.set(high, highAt);
    if (low !== undefined) staging.bytes.set(low, highAt + padTo4(highBytes));
    const lowFlag = low === undefined ? 0 : CLEAR_HAS_LOW;
    const highFlag = high === undefined ? 0 : CLEAR_HAS_HIGH;
    staging.seal(OperationKind.CLEAR, lowFlag | highFlag, change.id, lowBytes, highBytes);
  }

  /** Drops a family. The only operation of its transaction, so that no writer outlives it. */
  drop(entry: FamilyEntry): void {
    const change = this.existing(entry);
    if (change === undefined) return;
    this.requireRoom(0, 0);
    try {
      this.applyDrop(change);
    } catch (error) {
      throw this.#broken(error);
    }
    this.staging.ensure(OPERATION_HEADER_BYTES);
    this.staging.seal(OperationKind.DROP_FAMILY, 0, change.id, 0, 0);
  }

  // --- savepoints and end -----------------------------------------------------------------------

  mark(): BuildMark {
    return { length: this.staging.length, operationCount: this.staging.operationCount };
  }

  rollBackTo(mark: BuildMark): void {
    this.#endCreations(mark.length);
    this.staging.length = mark.length;
    this.staging.operationCount = mark.operationCount;
    this.#last = undefined;
    this.#breakage = undefined;
  }

  /** The commit has its sequence: what it created and dropped is so from now on. */
  admit(sequence: number): void {
    for (const change of this.touched()) {
      if (change.isCreated) this.#families.admitCreation(change.entry, sequence);
      if (change.isDropped) this.#families.admitDrop(change.entry, sequence);
    }
    this.forget();
    this.#last = undefined;
  }

  abort(): void {
    this.#endCreations(0);
    this.staging.reset();
    this.#last = undefined;
  }

  /** Refuses a put that would be too large alone; in a transaction `requireRoom` looks again. */
  requireFits(keyBytes: number, valueBytes: number): void {
    if (operationBytes(keyBytes, valueBytes) > this.#bytesMax) throw this.#tooLarge();
  }

  /** Gives up the families that were created from a place in the staging buffer on. */
  #endCreations(from: number): void {
    for (;;) {
      const last = this.#creations.at(-1);
      if (last === undefined || last.at < from) return;
      this.#creations.pop();
      this.#families.endCreation(last.entry, last.id);
    }
  }

  /** Before an operation changes anything. */
  protected requireRoom(keyBytes: number, valueBytes: number): void {
    const bytes = operationBytes(keyBytes, valueBytes);
    if (this.staging.length + bytes > this.#bytesMax) throw this.#tooLarge();
  }

  #tooLarge(): RangeError {
    return new RangeError(
      `a transaction takes at most half of walBytesMax, ${this.#bytesMax} bytes of log`,
    );
  }

  /** The change of a family that exists in the transaction's version, or `undefined`. */
  protected existing(entry: FamilyEntry): Change | undefined {
    const change = this.findChange(entry);
    if (change !== undefined) return change;
    return this.existsBefore(entry) ? (this.#last = this.addChange(entry, false)) : undefined;
  }

  /** The change of a family; creates the family when the transaction's version has none. */
  #change(entry: FamilyEntry): Change {
    if (this.#last?.entry === entry) return this.#last;
    const change = this.existing(entry) ?? this.#create(entry);
    return (this.#last = change);
  }

  #create(entry: FamilyEntry): Change {
    const { staging } = this;
    const { nameBytes } = entry;
    this.requireRoom(nameBytes.length, 0);
    staging.ensure(OPERATION_HEADER_BYTES + padTo4(nameBytes.length));
    this.#families.beginCreation(entry);
    this.#creations.push({ entry, id: entry.id, at: staging.length });
    nameBytes.copy(staging.bytes, staging.length + OPERATION_HEADER_BYTES);
    staging.seal(OperationKind.CREATE_FAMILY, 0, entry.id, nameBytes.length, 0);
    return this.addChange(entry, true);
  }
}

function operationBytes(keyBytes: number, valueBytes: number): number {
  return OPERATION_HEADER_BYTES + padTo4(valueBytes) + padTo4(keyBytes);
}
