/**
 * Builder of commits for the write buffer: the operations are log bytes and nothing else until the
 * commit is appended. What the transaction itself reads is looked up in the version it started
 * from, below its own operations (overlay.ts). Main thread.
 *
 * Invariant: a delete of a key that is not there and a clear of nothing leave no trace, as in the
 * other modes; so both look first.
 */
import { OPERATION_HEADER_BYTES, OperationKind, padTo4 } from '@manifold-db/storage';
import { KEY_ENCODE_ROOM } from '../encoding/index.js';
import type { Families, FamilyEntry } from '../families.js';
import { FamilyView, type ReadContext } from '../read/index.js';
import { Place, findKey } from '../read/find.js';
import {
  TransactionBuilder,
  type BuildMark,
  type FamilyTouch,
  type ViewSource,
} from './builder.js';
import { Overlay } from './overlay.js';

/** Clears of one transaction that stay ranges; the keys of further ones are deleted singly. */
const CLEARS_MAX = 32;

class Touch implements FamilyTouch {
  readonly entry: FamilyEntry;
  readonly id: number;
  readonly slot: number;
  readonly isCreated: boolean;
  isDropped = false;

  constructor(entry: FamilyEntry, isCreated: boolean) {
    this.entry = entry;
    this.id = isCreated ? entry.id : entry.operationId;
    this.slot = entry.slot;
    this.isCreated = isCreated;
  }
}

interface BufferMark extends BuildMark {
  readonly touched: readonly Touch[];
  readonly clearCount: number;
}

export class BufferBuilder extends TransactionBuilder<Touch> {
  /** Clears that stand as ranges in the staging buffer. */
  clearCount = 0;
  /** Kept for its hidden class, as `TreeChanges.newest`. */
  newest: Touch | undefined;
  readonly #context: ReadContext;
  readonly #overlay: Overlay;
  readonly #view = new FamilyView();
  readonly #key = Buffer.alloc(KEY_ENCODE_ROOM);
  #touched: Touch[] = [];

  constructor(context: ReadContext, families: Families, bytesMax: number) {
    super(families, bytesMax);
    this.#context = context;
    this.#overlay = new Overlay(this.staging);
  }

  /** Families that the transaction has touched. */
  get familyCount(): number {
    return this.#touched.length;
  }

  override start(source: ViewSource): void {
    super.start(source);
    this.#overlay.reset();
    this.#touched = [];
    this.clearCount = 0;
  }

  protected override findChange(entry: FamilyEntry): Touch | undefined {
    for (const touch of this.#touched) {
      if (touch.entry === entry) return touch;
    }
    return undefined;
  }

  protected override existsBefore(entry: FamilyEntry): boolean {
    return this.source(entry, this.#view);
  }

  protected override addChange(entry: FamilyEntry, isCreated: boolean): Touch {
    const touch = new Touch(entry, isCreated);
    this.#touched.push(touch);
    this.newest = touch;
    return touch;
  }

  protected override touched(): readonly Touch[] {
    return this.#touched;
  }

  protected override forget(): void {
    this.#touched = [];
  }

  protected override applyPut(): void {
    // The staged bytes are all there is.
  }

  protected override applyDelete(change: Touch, keyAt: number, keyBytes: number): boolean {
    const key = this.#key;
    this.staging.bytes.copy(key, 0, keyAt, keyAt + keyBytes);
    this.readView(change.entry, this.#view);
    const { memory } = this.#context;
    const opened = this.#context.begin();
    try {
      return findKey(memory, this.#view, key, keyBytes) !== Place.NOWHERE;
    } finally {
      this.#context.end(opened);
    }
  }

  protected override applyClear(
    change: Touch,
    low: Uint8Array | undefined,
    high: Uint8Array | undefined,
  ): boolean {
    if (this.clearCount === CLEARS_MAX) {
      this.#deleteSingly(change, low, high);
      return false;
    }
    const hasAny = this.#keysIn(change, low, high, 1).length > 0;
    if (hasAny) this.clearCount++;
    return hasAny;
  }

  #deleteSingly(change: Touch, low: Uint8Array | undefined, high: Uint8Array | undefined): void {
    const { staging } = this;
    for (const key of this.#keysIn(change, low, high, Infinity)) {
      staging.ensure(OPERATION_HEADER_BYTES + padTo4(key.length));
      staging.bytes.set(key, staging.length + OPERATION_HEADER_BYTES);
      this.requireRoom(key.length, 0);
      staging.seal(OperationKind.DELETE, 0, change.id, key.length, 0);
    }
  }

  /** The first keys of a range. */
  #keysIn(
    change: Touch,
    low: Uint8Array | undefined,
    high: Uint8Array | undefined,
    limit: number,
  ): Buffer[] {
    this.readView(change.entry, this.#view);
    const keys: Buffer[] = [];
    const { merged } = this.#context.memory;
    const opened = this.#context.begin();
    try {
      merged.reset(this.#view);
      let found =
        low === undefined ? merged.seekFirst() : merged.seekForward(low, low.length, true);
      for (; found && keys.length < limit; found = merged.move()) {
        const key = merged.keyView();
        if (high !== undefined && Buffer.compare(key, high) >= 0) break;
        keys.push(Buffer.from(key));
      }
      return keys;
    } finally {
      merged.release();
      this.#context.end(opened);
    }
  }

  protected override applyDrop(change: Touch): void {
    change.isDropped = true;
  }

  override readView(entry: FamilyEntry, view: FamilyView): void {
    if (!this.source(entry, view)) view.clear();
    const own = this.#overlay.buffer();
    if (own === undefined) return;
    // The id that the own operations carry: the entry's moves on when others drop the family.
    const id = this.findChange(entry)?.id ?? entry.operationId;
    view.showOwn(own, id, this.#overlay.sequence);
  }

  override freeze(): void {
    // An iterator keeps the number of operations that it shows.
  }

  override follow(entry: FamilyEntry, view: FamilyView): () => FamilyView {
    const { source } = this;
    const { own, ownFamilyId, ownSequence } = view;
    return () => {
      if (!source(entry, view)) view.clear();
      if (own !== undefined) view.showOwn(own, ownFamilyId, ownSequence);
      return view;
    };
  }

  override pause(): void {
    // No page operation stays open between two calls.
  }

  override mark(): BufferMark {
    return { ...super.mark(), touched: [...this.#touched], clearCount: this.clearCount };
  }

  override rollBackTo(mark: BufferMark): void {
    super.rollBackTo(mark);
    this.#touched = [...mark.touched];
    this.clearCount = mark.clearCount;
    this.#overlay.rollBack();
  }

  override abort(): void {
    super.abort();
    this.#touched = [];
    this.#overlay.reset();
  }
}
