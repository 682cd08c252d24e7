/**
 * Versions of a database with a write buffer: a root set of the trees, and above it the generations
 * that are not merged yet. Main thread.
 *
 *   base      the newest root set this thread has seen published (or made itself), pinned
 *   newest    base + all generations, up to the last commit
 *   version   what a snapshot or iterator holds: a sequence, on the newest base not above it
 *
 * When a newer root set is published, `advance` makes it the base, moves every held version that is
 * not below it onto it, lets the merged generations go, and says so in PROGRESS_VIEW. A version
 * pins a sequence, never a generation: the generation was sealed with the sequences of the held
 * versions inside it as stops, and at each of them the apply worker publishes a root set and waits
 * until this thread has taken it.
 *
 * Invariants
 * 1. Every held version has sequence >= base.sequence, or stands on a root set of its own sequence,
 *    without generations.
 * 2. The rows of the base are copied and its pages pinned inside one page operation.
 * 3. PROGRESS_VIEW is stored after the versions have moved: from then on the worker publishes on.
 */
import {
  PROGRESS_VIEW,
  REASON_REQUEST,
  REASON_SYNCED,
  ROOTS_ADMITTED,
  ROOTS_PUBLISHED,
  ROOT_WORDS,
  RootSetReader,
  THREAD_APPLY,
  assert,
  ringBell,
  storeWide,
  usedSlots,
  type WriteBuffer,
} from '@manifold-db/storage';
import type { WriteBuffers } from './apply/write-buffers.js';
import type { Engine } from './engine.js';
import { readRow, type FamilyEntry } from './families.js';
import { requirePlace, type HeldFor, type Pins } from './pins.js';
import type { FamilyView } from './read/index.js';

/** A root set: rows as in `layout/roots.ts`. Its pages are pinned while anyone stands on it. */
interface Base {
  readonly sequence: number;
  readonly rows: Int32Array;
}

const NO_BUFFERS: readonly WriteBuffer[] = [];

/** What one or more readers hold. */
export class HeldVersion {
  readonly sequence: number;
  base: Base;
  /** Generations above the base, newest first. */
  buffers: readonly WriteBuffer[];
  readonly sinceMs: number;
  references = 0;
  /** Counts the moves: who has filled in a view knows whether it still holds. */
  moves = 0;

  constructor(sequence: number, base: Base, buffers: readonly WriteBuffer[], sinceMs: number) {
    this.sequence = sequence;
    this.base = base;
    this.buffers = buffers;
    this.sinceMs = sinceMs;
  }

  /** Fills in a family; false when it had none of that name at this sequence. */
  read(entry: FamilyEntry, view: FamilyView): boolean {
    const { slot, id } = entry.identityAt(this.sequence);
    const at = slot * ROOT_WORDS;
    view.clear();
    if (slot < 0) return false;
    if (at + ROOT_WORDS <= this.base.rows.length) readRow(this.base.rows, at, id, view.root);
    view.showBuffers(this.buffers, id, this.sequence);
    return true;
  }
}

export class BufferedVersions {
  readonly #engine: Engine;
  readonly #pins: Pins;
  readonly #buffers: WriteBuffers;
  readonly #reader: RootSetReader;
  readonly #held = new Map<number, HeldVersion>();
  #base: Base;
  /**
   * Bases below page diffs of this thread that are not published yet, ascending and pinned: what
   * `synced` and `applied` reads stand on meanwhile. The first one is in the published root set.
   */
  readonly #older: Base[] = [];
  #seenPublished = 0;

  constructor(engine: Engine, pins: Pins, buffers: WriteBuffers) {
    this.#engine = engine;
    this.#pins = pins;
    this.#buffers = buffers;
    this.#reader = new RootSetReader(engine.shared);
    this.#base = this.#admittedBase(0);
  }

  /** The state right after recovery: the admitted rows hold everything there is. */
  start(): void {
    this.#base = this.#admittedBase(this.#engine.lastCommitted);
    this.#pins.pin(this.#base.sequence);
    this.#publishView();
  }

  #admittedBase(sequence: number): Base {
    const { shared } = this.#engine;
    const end = ROOTS_ADMITTED + usedSlots(shared) * ROOT_WORDS;
    return { sequence, rows: shared.roots.slice(ROOTS_ADMITTED, end) };
  }

  // --- the newest version -----------------------------------------------------------------------

  /** Fills in a family of the newest version; false when there is none of that name. */
  readNewest(entry: FamilyEntry, view: FamilyView): boolean {
    if (!entry.exists) {
      view.clear();
      return false;
    }
    this.#engine.families.readAdmitted(entry, view.root);
    view.showBuffers(this.#buffers.list, entry.id, this.#engine.lastCommitted);
    return true;
  }

  /** Sequence of the root set that reads stand on. */
  get baseSequence(): number {
    return this.#base.sequence;
  }

  /** A root set was published that reads do not stand on yet. */
  get isBehind(): boolean {
    return Atomics.load(this.#engine.shared.roots, ROOTS_PUBLISHED) !== this.#seenPublished;
  }

  /** Moves onto the newest published root set. */
  advance(): void {
    if (!this.isBehind) return;
    const engine = this.#engine;
    const opened = engine.begin();
    try {
      const reader = this.#reader;
      this.#seenPublished = Atomics.load(engine.shared.roots, ROOTS_PUBLISHED);
      reader.readSet();
      this.#dropOlder(reader.sequence);
      // After recovery, and after a page diff of this thread, the base is ahead of the applier.
      if (reader.sequence <= this.#base.sequence) return;
      const rows = reader.rows.slice(0, reader.slots * ROOT_WORDS);
      this.#pins.pin(reader.sequence);
      this.#standOn({ sequence: reader.sequence, rows });
    } finally {
      engine.end(opened);
    }
  }

  /**
   * A page diff of this thread was appended: the admitted rows are the newest version, no
   * generation is above them.
   */
  standOnAdmitted(): void {
    const before = this.#base;
    const base = this.#admittedBase(this.#engine.lastCommitted);
    this.#pins.pin(base.sequence);
    this.#pins.pin(before.sequence);
    this.#older.push(before);
    this.#standOn(base);
  }

  #standOn(base: Base): void {
    const { shared } = this.#engine;
    const before = this.#base;
    this.#base = base;
    shared.roots.set(base.rows, ROOTS_ADMITTED);
    this.#buffers.releaseUpTo(base.sequence);
    for (const version of this.#held.values()) {
      if (version.sequence >= base.sequence) this.#move(version, base);
      else assert(version.buffers.length === 0, 'a held version has a root set of its own');
    }
    this.#pins.unpin(before.sequence);
    this.#publishView();
  }

  #move(version: HeldVersion, base: Base): void {
    this.#pins.pin(base.sequence);
    this.#pins.unpin(version.base.sequence);
    version.base = base;
    version.buffers = this.#buffersAt(version.sequence, base);
    version.moves++;
  }

  /** Generations between a base and a sequence. */
  #buffersAt(sequence: number, base: Base): readonly WriteBuffer[] {
    if (sequence === base.sequence) return NO_BUFFERS;
    return this.#buffers.list.filter((buffer) => {
      return (
        !buffer.isEmpty && buffer.firstSequence <= sequence && buffer.lastSequence > base.sequence
      );
    });
  }

  #publishView(): void {
    const { progress, bells } = this.#engine.shared;
    storeWide(progress, PROGRESS_VIEW, this.#base.sequence);
    ringBell(bells, THREAD_APPLY, REASON_REQUEST);
  }

  // --- held versions ----------------------------------------------------------------------------

  /** The newest version, until `release`. */
  holdNewest(heldFor: HeldFor): HeldVersion {
    this.advance();
    return this.#hold(this.#engine.lastCommitted, this.#base, heldFor);
  }

  /** The newest durable version. */
  holdSynced(heldFor: HeldFor): HeldVersion {
    this.advance();
    const synced = this.#syncedWithRoot();
    if (synced >= this.#base.sequence) return this.#hold(synced, this.#base, heldFor);
    const base = this.#baseAt(synced);
    assert(base.sequence <= synced, 'below a base that is not synced there is one that is');
    return this.#hold(base.sequence, base, heldFor);
  }

  /**
   * `synced`, or later. A version that would stand inside a sealed generation, where no stop can be
   * set any more, waits for the sync of the generation's end, which is under way.
   */
  #syncedWithRoot(): number {
    const engine = this.#engine;
    for (;;) {
      const synced = Math.min(engine.synced, engine.lastCommitted);
      const last = this.#buffers.sealedAround(synced);
      if (last === undefined || synced <= this.#base.sequence || engine.hasFailed) return synced;
      engine.host.waitUntil(() => engine.hasFailed || engine.synced >= last, REASON_SYNCED);
      this.advance();
    }
  }

  /** The published root set. */
  holdApplied(heldFor: HeldFor): HeldVersion {
    this.advance();
    const base = this.#baseAt(this.#engine.applied);
    return this.#hold(base.sequence, base, heldFor);
  }

  /** A version that somebody holds already. */
  holdAgain(sequence: number): HeldVersion {
    const version = this.#held.get(sequence);
    assert(version !== undefined, 'an open snapshot holds its version');
    version.references++;
    return version;
  }

  /** The newest base that is not above `sequence`, or else the oldest one. */
  #baseAt(sequence: number): Base {
    if (this.#base.sequence <= sequence) return this.#base;
    const older = this.#older.findLast((base) => base.sequence <= sequence);
    return older ?? this.#older[0] ?? this.#base;
  }

  /** What is published is synced: nothing is read below it any more. */
  #dropOlder(published: number): void {
    const older = this.#older;
    while (older.length > 0 && (older[1] ?? this.#base).sequence <= published) {
      this.#pins.unpin(older.shift()!.sequence);
    }
  }

  /** A page diff of this thread waits to be published, and keeps the version before it. */
  get awaitsPublish(): boolean {
    return this.#older.length > 0;
  }

  /** Each held version is a stop of the generation around it: their number has a limit. */
  #hold(sequence: number, base: Base, heldFor: HeldFor): HeldVersion {
    let version = this.#held.get(sequence);
    if (version === undefined) {
      requirePlace(this.#held.size, heldFor);
      const buffers = this.#buffersAt(sequence, base);
      version = new HeldVersion(sequence, base, buffers, this.#engine.host.now());
      this.#pins.pin(base.sequence);
      this.#held.set(sequence, version);
    }
    version.references++;
    return version;
  }

  release(version: HeldVersion): void {
    if (--version.references > 0) return;
    this.#held.delete(version.sequence);
    this.#pins.unpin(version.base.sequence);
  }

  /** Sequences in [from, below) at which held versions need a root set of their own. */
  readonly stopsIn = (from: number, below: number): readonly number[] => {
    const stops: number[] = [];
    for (const { sequence } of this.#held.values()) {
      if (sequence >= from && sequence < below && sequence > this.#base.sequence) {
        stops.push(sequence);
      }
    }
    return stops.sort((a, b) => a - b);
  };

  oldest(): { sequence: number; sinceMs: number } | undefined {
    let oldest: HeldVersion | undefined;
    for (const version of this.#held.values()) {
      if (oldest === undefined || version.sequence < oldest.sequence) oldest = version;
    }
    return oldest;
  }
}
