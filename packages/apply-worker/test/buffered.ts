/**
 * The main thread of mode `buffered`, as far as the apply workers see it: fills generations, seals
 * and pushes them, follows the root sets with VIEW, moves snapshots to root sets of their own. On
 * top of `Harness`, which has the workers and the disk.
 */
import {
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  FAMILY_LIVE,
  OperationKind,
  PROGRESS_APPENDED,
  PROGRESS_MERGE_WANTED,
  PROGRESS_VIEW,
  PROGRESS_WRITTEN,
  PendingEntry,
  REASON_REQUEST,
  ROOT_WORDS,
  RootRow,
  THREAD_APPLY,
  WriteBuffer,
  assert,
  decodeRootRow,
  loadWide,
  operationBytes,
  operationKeyOffset,
  operationValueOffset,
  ringBell,
  storeWide,
  usedSlots,
  writeAdmittedRow,
  writeOperationHeader,
} from '@manifold-db/storage';
import { Harness, type Changes, type HarnessOptions } from './harness.js';
import { rootOf } from './support.js';

/** Family id to key to value. */
export type Versions = Record<number, Record<string, string>>;

export type Operation =
  | { kind: 'put'; family: number; key: string; value: string }
  | { kind: 'delete'; family: number; key: string }
  | { kind: 'clear'; family: number; low?: string; high?: string }
  | { kind: 'create' | 'drop'; family: number };

export interface TestSnapshot {
  readonly sequence: number;
  readonly content: Versions;
  /** Rows of its own root set, and its pin, once there is one. */
  rows: Int32Array | undefined;
  pin: number;
}

const NO_PIN = -1;
const BUFFER_BYTES = 256 * 1024;
const BUFFER_COUNT = 3;

interface Generation {
  readonly index: number;
  readonly buffer: WriteBuffer;
  /** Last sequence once it is sealed. */
  sealedAt: number | undefined;
}

export class BufferedMain {
  readonly harness: Harness;
  /** By sequence. */
  readonly history = new Map<number, Versions>();
  /** Sequences at which a root set may be published: stops, ends of generations, page diffs. */
  readonly publishable = new Set<number>();
  snapshots: TestSnapshot[] = [];
  readonly #slots = new Map<number, number>();
  readonly #freeSlots: { slot: number; droppedAt: number }[] = [];
  readonly #generations: Generation[];
  #active: Generation;
  #nextId = 1;
  /** Sequence of the newest page diff. */
  #newestPages = 0;

  constructor(options: HarnessOptions = {}) {
    this.harness = new Harness({
      ...options,
      sizes: { writeBufferBytes: BUFFER_BYTES, writeBufferCount: BUFFER_COUNT, ...options.sizes },
    });
    const { harness } = this;
    const bySlot = harness.admittedContent();
    const content: Versions = {};
    harness.families.forEach(({ id }, slot) => {
      this.#slots.set(id, slot);
      this.#nextId = Math.max(this.#nextId, id + 1);
      content[id] = bySlot[slot]!;
    });
    const { sequence } = harness.checkpoint.meta;
    storeWide(harness.shared.progress, PROGRESS_APPENDED, sequence);
    harness.sync(sequence);
    this.history.set(sequence, content);
    this.publishable.add(sequence);
    this.#generations = harness.shared.writeBuffers.map((memory, index) => {
      return { index, buffer: new WriteBuffer(memory), sealedAt: undefined };
    });
    this.#active = this.#generations[0]!;
  }

  get active(): WriteBuffer {
    return this.#active.buffer;
  }

  get view(): number {
    return loadWide(this.harness.shared.progress, PROGRESS_VIEW);
  }

  get appended(): number {
    return this.harness.appended;
  }

  contentAt(sequence: number): Versions {
    return this.history.get(sequence)!;
  }

  get newest(): Versions {
    return this.contentAt(this.appended);
  }

  /** Ids of the families that exist. */
  get families(): number[] {
    return Object.keys(this.newest).map(Number);
  }

  // --- commits ----------------------------------------------------------------------------------

  /** A new id; the family exists from the commit with its `create` on. */
  newFamily(): number {
    const { harness } = this;
    const id = this.#nextId++;
    const free = this.#freeSlots.findIndex(({ droppedAt }) => droppedAt <= harness.checkpointed);
    const slot = free < 0 ? this.#highestSlot() + 1 : this.#freeSlots.splice(free, 1)[0]!.slot;
    this.#slots.set(id, slot);
    harness.createFamily(slot, id, `family ${id}`);
    return id;
  }

  /** Whether a generation takes the operations in, after sealing the active one if need be. */
  canCommit(operations: readonly Operation[]): boolean {
    return this.#fits(operations) || this.canSeal;
  }

  /** Another generation can take the place of the active one. */
  get canSeal(): boolean {
    return this.#free() !== undefined;
  }

  commit(operations: readonly Operation[]): number {
    const { harness } = this;
    if (!this.#fits(operations)) {
      this.seal();
      assert(this.#fits(operations), 'an empty generation takes the commit in');
    }
    const sequence = this.appended + 1;
    const { bytes, words } = payloadOf(operations);
    this.active.add(bytes, words, 0, bytes.length, sequence, (id) => this.#slots.get(id)!);
    this.history.set(sequence, applied(this.newest, operations));
    for (const { kind, family } of operations) {
      if (kind === 'drop') this.#drop(family, sequence);
    }
    storeWide(harness.shared.progress, PROGRESS_APPENDED, sequence);
    storeWide(harness.shared.progress, PROGRESS_WRITTEN, sequence);
    return sequence;
  }

  /** A page diff, as recovery and oversized commits make them: everything before is merged. */
  commitPages(family: number, changed: Record<string, string | undefined>): number {
    const { harness } = this;
    if (this.#newestPages !== this.appended) this.#admitPublished();
    const before = this.newest;
    const changes: Changes = { [this.#slots.get(family)!]: changed };
    const sequence = harness.commit(changes);
    const operations = Object.entries(changed).map(([key, value]): Operation => {
      return value === undefined
        ? { kind: 'delete', family, key }
        : { kind: 'put', family, key, value };
    });
    this.history.set(sequence, applied(before, operations));
    this.publishable.add(sequence);
    this.#newestPages = sequence;
    return sequence;
  }

  /** Page diffs are built on the trees as they are after all merges. */
  #admitPublished(): void {
    const { harness } = this;
    assert(harness.applied === this.appended && this.active.isEmpty, 'everything is merged');
    const row = new RootRow();
    for (let slot = 0; slot < usedSlots(harness.shared); slot++) {
      harness.reader.readRow(slot, row);
      writeAdmittedRow(harness.shared, slot, row);
    }
  }

  #highestSlot(): number {
    const slots = [...this.#slots.values(), ...this.#freeSlots.map(({ slot }) => slot)];
    return Math.max(-1, ...slots);
  }

  #drop(family: number, sequence: number): void {
    this.#freeSlots.push({ slot: this.#slots.get(family)!, droppedAt: sequence });
  }

  #fits(operations: readonly Operation[]): boolean {
    const clears = operations.filter(({ kind }) => kind === 'clear').length;
    const families = new Set(operations.map(({ family }) => family)).size;
    const bytes = payloadOf(operations).bytes.length;
    return this.active.hasRoom(bytes, operations.length, clears, families);
  }

  // --- sealing ----------------------------------------------------------------------------------

  /** Everything up to the sequence may be merged. */
  wantMerge(sequence: number): void {
    const { shared } = this.harness;
    storeWide(shared.progress, PROGRESS_MERGE_WANTED, sequence);
    ringBell(shared.bells, THREAD_APPLY, REASON_REQUEST);
  }

  /**
   * Seals the active generation, with a stop for every snapshot that has no root set yet, to be
   * merged at once unless it is held back.
   */
  seal(extraStops: readonly number[] = [], isHeldBack = false): number {
    const { harness } = this;
    const { buffer, index } = this.#active;
    const { firstSequence, lastSequence } = buffer;
    const wanted = this.snapshots.filter(({ rows }) => rows === undefined);
    const stops = new Set([...wanted.map(({ sequence }) => sequence), ...extraStops]);
    const own = [...stops].filter((stop) => stop >= firstSequence - 1 && stop < lastSequence);
    for (const stop of [...own, lastSequence]) this.publishable.add(stop);
    const entry = new PendingEntry();
    entry.resetSealed(
      lastSequence,
      index,
      own.sort((a, b) => a - b),
    );
    if (!isHeldBack) this.wantMerge(lastSequence);
    while (!harness.producer.push(entry)) harness.step();
    const next = this.#free();
    this.#active.sealedAt = lastSequence;
    assert(next !== undefined, 'a generation is free');
    next.buffer.reset();
    next.sealedAt = undefined;
    this.#active = next;
    return lastSequence;
  }

  /** A generation beside the active one that is empty, or merged and followed. */
  #free(): Generation | undefined {
    return this.#generations.find((generation) => {
      const { sealedAt } = generation;
      return generation !== this.#active && (sealedAt === undefined || sealedAt <= this.view);
    });
  }

  // --- following the root sets ------------------------------------------------------------------

  /** What the main thread does when it is rung: snapshots move to root sets, then VIEW moves. */
  follow(): void {
    const { harness } = this;
    const { shared, pager, reader, pins } = harness;
    pager.beginOperation();
    reader.readSet();
    const { sequence, mark, rows } = reader;
    for (const snapshot of this.snapshots) {
      if (snapshot.rows !== undefined) continue;
      assert(snapshot.sequence >= sequence, 'no root set passes a snapshot by');
      if (snapshot.sequence > sequence) continue;
      snapshot.pin = pins.pin(sequence, mark);
      snapshot.rows = rows.slice(0, reader.slots * ROOT_WORDS);
    }
    pager.endOperation();
    if (sequence === this.view) return;
    storeWide(shared.progress, PROGRESS_VIEW, sequence);
    ringBell(shared.bells, THREAD_APPLY, REASON_REQUEST);
  }

  /** At the root set of VIEW it has its rows at once: no stop would hold that one. */
  takeSnapshot(): TestSnapshot {
    const content = this.newest;
    const snapshot = { sequence: this.appended, content, rows: undefined, pin: NO_PIN };
    this.snapshots.push(snapshot);
    if (this.view === this.appended) this.follow();
    return snapshot;
  }

  /** Content of its root set, if it has one by now; it is closed either way. */
  closeSnapshot(snapshot: TestSnapshot): Versions | undefined {
    this.snapshots = this.snapshots.filter((other) => other !== snapshot);
    if (snapshot.rows === undefined) return undefined;
    const content = this.contentOfRows(snapshot.rows);
    this.harness.pins.unpin(snapshot.pin);
    return content;
  }

  /** Steps the workers and follows, until neither has anything to do. */
  settle(): void {
    const { harness } = this;
    for (;;) {
      harness.runUntilIdle();
      const before = this.view;
      this.follow();
      if (this.view === before) return;
    }
  }

  /** Everything committed so far is merged and followed. */
  mergeAll(): void {
    this.harness.sync();
    this.settle();
    if (this.active.isEmpty) return;
    this.seal();
    this.settle();
  }

  // --- looking at versions ----------------------------------------------------------------------

  published(): { sequence: number; content: Versions } {
    const { pager, reader } = this.harness;
    pager.beginOperation();
    reader.readSet();
    const { sequence } = reader;
    const rows = reader.rows.slice(0, reader.slots * ROOT_WORDS);
    pager.endOperation();
    return { sequence, content: this.contentOfRows(rows) };
  }

  contentOfRows(rows: Int32Array): Versions {
    const content: Versions = {};
    const row = new RootRow();
    for (let at = 0; at < rows.length; at += ROOT_WORDS) {
      decodeRootRow(rows, at, row);
      if (row.state === FAMILY_LIVE) content[row.id] = this.harness.contentOf(rootOf(row));
    }
    return content;
  }
}

/** The content after a commit. */
function applied(before: Versions, operations: readonly Operation[]): Versions {
  const after: Versions = { ...before };
  const copied = new Set<number>();
  for (const operation of operations) {
    const { family } = operation;
    if (operation.kind === 'drop') {
      Reflect.deleteProperty(after, family);
      continue;
    }
    if (!copied.has(family)) after[family] = { ...after[family] };
    copied.add(family);
    const entries = after[family]!;
    if (operation.kind === 'put') entries[operation.key] = operation.value;
    if (operation.kind === 'delete') Reflect.deleteProperty(entries, operation.key);
    if (operation.kind !== 'clear') continue;
    for (const key of Object.keys(entries)) {
      const isAbove = operation.low === undefined || key >= operation.low;
      if (isAbove && (operation.high === undefined || key < operation.high)) {
        Reflect.deleteProperty(entries, key);
      }
    }
  }
  return after;
}

function partsOf(operation: Operation): [kind: OperationKind, flags: number, string, string] {
  switch (operation.kind) {
    case 'put':
      return [OperationKind.PUT, 0, operation.key, operation.value];
    case 'delete':
      return [OperationKind.DELETE, 0, operation.key, ''];
    case 'create':
      return [OperationKind.CREATE_FAMILY, 0, `family ${operation.family}`, ''];
    case 'drop':
      return [OperationKind.DROP_FAMILY, 0, '', ''];
    case 'clear': {
      const { low, high } = operation;
      const hasLow = low === undefined ? 0 : CLEAR_HAS_LOW;
      const hasHigh = high === undefined ? 0 : CLEAR_HAS_HIGH;
      return [OperationKind.CLEAR, hasLow | hasHigh, low ?? '', high ?? ''];
    }
  }
}

function payloadOf(operations: readonly Operation[]): { bytes: Buffer; words: Int32Array } {
  const parts = operations.map(partsOf);
  const total = parts.reduce((sum, [, , key, value]) => {
    return sum + operationBytes(Buffer.byteLength(key), Buffer.byteLength(value));
  }, 0);
  const bytes = Buffer.from(new ArrayBuffer(total));
  const words = new Int32Array(bytes.buffer);
  let at = 0;
  parts.forEach(([kind, flags, key, value], index) => {
    const keyBytes = Buffer.byteLength(key);
    const valueBytes = Buffer.byteLength(value);
    const { family } = operations[index]!;
    writeOperationHeader(words, at >> 2, kind, flags, family, keyBytes, valueBytes);
    bytes.write(value, operationValueOffset(at));
    bytes.write(key, operationKeyOffset(at, valueBytes));
    at += operationBytes(keyBytes, valueBytes);
  });
  return { bytes, words };
}
