/**
 * The page diff of one transaction while it is built: a tree writer per family that was touched,
 * the diff they share, memory pressure, and the root rows that come out. Knows nothing of the log.
 * Main thread; used by transactions and by the replay of recovery.
 *
 * Invariants
 * 1. A page operation is open from the first tree access until `pause`; it is paused regularly so
 *    that this thread's epoch does not hold up recycling.
 * 2. Before pages of the diff are spilled or frozen, every writer is flushed and reset: no writer
 *    keeps a position in a page that may move.
 */
import {
  CHANGES_PER_LOOK,
  Diff,
  PAGES_PER_CHANGE,
  PART_WORDS,
  TreeRoot,
  TreeWriter,
  forEachPage,
  framesForValue,
  isShortOfCleanFrames,
  type DiffMark,
  type Pager,
} from '@manifold-db/storage';
import { writeAbsentRow, writeRow, type FamilyEntry } from '../families.js';
import type { ReadContext } from '../read/context.js';
import type { FamilyTouch } from './builder.js';

/** What building needs beyond reading. */
export interface BuildContext extends ReadContext {
  /** Blocks until so many frames are set aside. Throws ERR_MANIFOLD_FULL if they never will be. */
  waitForFrames(pages: number): void;
}

/** What a transaction did to one family, and its tree. */
export class FamilyChange implements FamilyTouch {
  readonly entry: FamilyEntry;
  /** Id and slot at the time: a dropped family's entry moves on, also below an older version. */
  readonly id: number;
  readonly slot: number;
  readonly isCreated: boolean;
  isDropped = false;
  writer: TreeWriter;

  constructor(entry: FamilyEntry, writer: TreeWriter, isCreated: boolean) {
    this.entry = entry;
    this.id = isCreated ? entry.id : entry.operationId;
    this.slot = entry.slot;
    this.writer = writer;
    this.isCreated = isCreated;
  }
}

interface FamilyMark {
  readonly change: FamilyChange;
  readonly root: TreeRoot;
  readonly isDropped: boolean;
}

export interface ChangesMark {
  readonly diff: DiffMark;
  readonly families: readonly FamilyMark[];
}

export class TreeChanges {
  readonly diff = new Diff();
  /** Root rows after `finish`: PART_WORDS words each. */
  parts = new Int32Array(16 * PART_WORDS);
  partCount = 0;
  families: FamilyChange[] = [];
  /**
   * Outlives its transaction on purpose: when a full garbage collection finds no object of a class,
   * V8 drops the hidden class, and with it all compiled code that reads such objects.
   */
  newest: FamilyChange | undefined;
  readonly #context: BuildContext;
  readonly #pager: Pager;
  #isOpen = false;
  /** What `context.begin` said: false inside an operation that somebody else opened. */
  #opened = false;
  #untilLook = CHANGES_PER_LOOK;

  constructor(context: BuildContext) {
    this.#context = context;
    this.#pager = context.pager;
  }

  start(): void {
    this.diff.reset(this.#pager.newToken());
    this.families = [];
    this.partCount = 0;
    this.#untilLook = CHANGES_PER_LOOK;
  }

  find(entry: FamilyEntry): FamilyChange | undefined {
    for (const change of this.families) {
      if (change.entry === entry) return change;
    }
    return undefined;
  }

  add(entry: FamilyEntry, root: TreeRoot, isCreated: boolean): FamilyChange {
    const writer = new TreeWriter(this.#pager, this.diff, root);
    const change = new FamilyChange(entry, writer, isCreated);
    this.families.push(change);
    this.newest = change;
    return change;
  }

  /** Removes the whole tree of a family. */
  drop(change: FamilyChange): void {
    this.open();
    change.writer.flush();
    change.writer.reset();
    forEachPage(this.#pager, change.writer.root, (page, birth) => {
      this.#pager.release(this.diff, page, birth);
    });
    const empty = new TreeRoot();
    change.writer = new TreeWriter(this.#pager, this.diff, empty);
    change.isDropped = true;
  }

  readRoot(change: FamilyChange, root: TreeRoot): void {
    this.open();
    change.writer.flush();
    copyRoot(change.writer.root, root);
  }

  /** What was built so far is copied from now on, not changed. */
  freeze(): void {
    this.#resetWriters();
    this.diff.freeze(this.#pager.newToken());
  }

  mark(): ChangesMark {
    const families = this.families.map((change) => {
      const root = new TreeRoot();
      this.readRoot(change, root);
      return { change, root, isDropped: change.isDropped };
    });
    this.freeze();
    return { diff: this.diff.mark(), families };
  }

  rollBackTo(mark: ChangesMark): void {
    this.pause();
    this.#pager.rollBack(this.diff, mark.diff);
    this.diff.freeze(this.#pager.newToken());
    this.families = mark.families.map(({ change, root, isDropped }) => {
      change.writer = new TreeWriter(this.#pager, this.diff, root);
      change.isDropped = isDropped;
      return change;
    });
  }

  /** Completes the diff and writes the root rows of the touched families to `parts`. */
  finish(): void {
    if (this.families.length * PART_WORDS > this.parts.length) {
      this.parts = new Int32Array(this.families.length * PART_WORDS * 2);
    }
    this.partCount = 0;
    for (const change of this.families) {
      this.open();
      change.writer.flush();
      const at = this.partCount++ * PART_WORDS;
      this.parts[at] = change.slot;
      if (change.isDropped) writeAbsentRow(this.parts, at + 1, change.id);
      else writeRow(this.parts, at + 1, change.id, change.writer.root);
    }
    this.pause();
    this.#pager.flushWriteThrough();
  }

  /** Throws everything away. */
  abort(): void {
    this.pause();
    this.#pager.rollBack(this.diff, { allocatedCount: 0, freedCount: 0 });
    this.families = [];
  }

  /**
   * Opens the page operation that tree accesses need, with frames for `pages` new pages; looks at
   * memory pressure now and then.
   */
  open(pages = PAGES_PER_CHANGE): void {
    if (this.#isOpen) {
      if (--this.#untilLook > 0 && this.#pager.reservedFrames() >= pages) return;
      this.#look();
    }
    if (this.#pager.reservedFrames() < pages) this.#makeRoom(pages);
    this.#opened = this.#context.begin();
    this.#isOpen = true;
  }

  /** As `open`, for an entry whose value may take pages of its own. */
  openFor(valueBytes: number): void {
    this.open(framesForValue(this.#pager, valueBytes));
  }

  /** Ends the open page operation; private pages stay. */
  pause(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#context.end(this.#opened);
  }

  /** For who needs the frames, while the transaction is paused. */
  giveUpFrames(): void {
    if (this.#pager.canWriteThrough && this.diff.unspilledCount > 0) this.#openAndSpill();
  }

  /** Lets the epoch move on, and spills when the diff has grown over the cache. */
  #look(): void {
    this.#untilLook = CHANGES_PER_LOOK;
    const pager = this.#pager;
    if (isShortOfCleanFrames(pager) && pager.canWriteThrough) this.#spill();
    else this.pause();
  }

  #spill(): void {
    this.#resetWriters();
    this.pause();
    this.#pager.spill(this.diff);
  }

  /** Outside an operation: evicts, then spills, then waits for other threads to move on. */
  #makeRoom(pages: number): void {
    if (this.#pager.reserveFrames(pages)) return;
    if (this.#pager.canWriteThrough && this.diff.allocatedCount > 0) {
      this.#openAndSpill();
      if (this.#pager.reserveFrames(pages)) return;
    }
    this.#context.waitForFrames(pages);
  }

  #openAndSpill(): void {
    this.#opened = this.#context.begin();
    this.#isOpen = true;
    try {
      this.#spill();
    } finally {
      this.pause();
    }
  }

  #resetWriters(): void {
    for (const change of this.families) {
      change.writer.flush();
      change.writer.reset();
    }
  }
}

export function copyRoot(from: TreeRoot, to: TreeRoot): void {
  to.page = from.page;
  to.birth = from.birth;
  to.count = from.count;
}
