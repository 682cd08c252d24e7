/**
 * One window of sealed generations on its way into the trees: a private diff over the staged
 * roots, built in bounded pieces, family by family and leaf by leaf. Nothing is visible to anyone
 * else until the window is staged (`stage-window.ts`). Threads: apply worker 0.
 *
 * Invariants
 * 1. No page operation is open between two pieces; the pages made so far are private and dirty, or
 *    written early, so they stay.
 * 2. A piece either makes a change of one entry whole or leaves it for the next piece.
 */
import {
  CHANGES_PER_LOOK,
  Diff,
  FAMILY_ABSENT,
  FAMILY_LIVE,
  GenerationsWalk,
  PAGES_PER_CHANGE,
  RootRow,
  TreeRoot,
  TreeWriter,
  assert,
  decodeRootRow,
  forEachPage,
  framesForValue,
  isWrittenThrough,
  stagedRowAt,
  type DiffMark,
  type WriteBuffer,
} from '@manifold-db/storage';
import type { ApplyContext } from '../context.js';
import type { DiskSpace } from '../disk-space.js';
import { Room, type MergeMemory } from './merge-memory.js';

/** A step is over after so many looks at memory, or after this time. */
const LOOKS_PER_STEP = 8;
const STEP_MS = 2;

/** What a step came to. */
export const WindowStep = {
  /** Every change of the window is in the diff. */
  COMPLETE: 0,
  /** There is more to do. */
  MORE: 1,
  /** Nothing was done: disk space or frames are missing. */
  BLOCKED: 2,
} as const;
export type WindowStep = (typeof WindowStep)[keyof typeof WindowStep];

/** Row of a family after the window. */
export interface MergedRow {
  readonly slot: number;
  readonly row: RootRow;
}

export interface MergeParts {
  readonly context: ApplyContext;
  readonly space: DiskSpace;
  readonly memory: MergeMemory;
}

export class MergeWindow {
  readonly end: number;
  readonly diff = new Diff();
  /** In the order of the families' creation: a slot may stand here twice, the later row counts. */
  readonly rows: MergedRow[] = [];
  /** Entries that were put into trees or taken out of them. */
  entryCount = 0;
  readonly #parts: MergeParts;
  readonly #walk: GenerationsWalk;
  /** Of the family that the walk stands on, from its first change until its last. */
  #writer: TreeWriter | undefined;
  /** Ranges of the family that are removed already. */
  #rangesRemoved = 0;
  #isComplete = false;
  /** The walk stands on an entry that is not in the tree yet. */
  #hasEntry = false;
  /** Frames that the next change needs. */
  #framesWanted = PAGES_PER_CHANGE;
  /** Set while a value is written straight to the file. */
  #beforeValue: DiffMark | undefined;

  /**
   * The window above < sequence <= end of the generations, oldest first; the staged rows stand at
   * `above`.
   */
  constructor(parts: MergeParts, buffers: readonly WriteBuffer[], above: number, end: number) {
    this.#parts = parts;
    this.end = end;
    this.#walk = new GenerationsWalk(buffers, above, end);
    this.diff.reset(parts.context.pager.newToken());
  }

  /** Goes on for a moment. Throws what reading or writing pages throws, but for a full disk. */
  step(): WindowStep {
    const { context, space, memory } = this.#parts;
    if (!space.mayTry('merge')) return WindowStep.BLOCKED;
    const untilMs = context.nowMs() + STEP_MS;
    for (let look = 0; look < LOOKS_PER_STEP; look++) {
      const room = memory.makeRoom(this.diff, this.#framesWanted, () => this.#leavePages());
      if (room === Room.NONE) return look === 0 ? WindowStep.BLOCKED : WindowStep.MORE;
      if (room === Room.WRITTEN) return WindowStep.MORE;
      if (!space.attempt('merge', () => this.#inOperation())) {
        this.#undoValue();
        return WindowStep.BLOCKED;
      }
      space.succeeded('merge');
      if (this.#isComplete) return WindowStep.COMPLETE;
      if (context.nowMs() >= untilMs) break;
    }
    return WindowStep.MORE;
  }

  #inOperation(): void {
    const { pager } = this.#parts.context;
    pager.beginOperation();
    try {
      this.#makeChanges();
    } finally {
      pager.endOperation();
    }
  }

  /** One piece; shorter when the next change needs more frames than are set aside. */
  #makeChanges(): void {
    const { pager } = this.#parts.context;
    for (let changes = 0; changes < CHANGES_PER_LOOK; changes++) {
      if (this.#writer === undefined && !this.#beginFamily()) {
        this.#isComplete = true;
        return;
      }
      const writer = this.#writer;
      if (writer === undefined) continue;
      if (pager.reservedFrames() < this.#framesWanted) return;
      const range = this.#walk.tombstones[this.#rangesRemoved];
      if (range !== undefined) {
        writer.deleteRange(range.low, range.high);
        this.#rangesRemoved++;
      } else if (!this.#takeEntry()) {
        this.#endFamily(writer);
      } else if (pager.reservedFrames() < this.#framesWanted) {
        return;
      } else {
        this.#makeChange(writer);
      }
    }
  }

  /** Stands on an entry afterwards; false when the family has no more. */
  #takeEntry(): boolean {
    if (this.#hasEntry) return true;
    const walk = this.#walk;
    if (!walk.nextEntry()) return false;
    this.#hasEntry = true;
    const { pager } = this.#parts.context;
    const { entry } = walk;
    if (!entry.isDelete) this.#framesWanted = framesForValue(pager, entry.valueBytes);
    return true;
  }

  #makeChange(writer: TreeWriter): void {
    const { entry } = this.#walk;
    const { bytes, keyOffset, keyBytes, valueOffset, valueBytes } = entry;
    if (entry.isDelete) {
      writer.delete(bytes, keyOffset, keyBytes);
    } else {
      const isDirect = isWrittenThrough(this.#parts.context.pager, valueBytes);
      if (isDirect) this.#beforeValue = this.diff.mark();
      writer.put(bytes, keyOffset, keyBytes, bytes, valueOffset, valueBytes);
      if (isDirect) this.#beforeValue = undefined;
    }
    this.#hasEntry = false;
    this.#framesWanted = PAGES_PER_CHANGE;
    this.entryCount++;
  }

  /** The disk was full when a value was written straight to it: its tree is not touched yet. */
  #undoValue(): void {
    assert(this.#beforeValue !== undefined, 'only a value is written inside an operation');
    this.#parts.context.pager.rollBack(this.diff, this.#beforeValue);
    this.#beforeValue = undefined;
  }

  /** Goes to the next family of the window; false when there is none. */
  #beginFamily(): boolean {
    const walk = this.#walk;
    if (!walk.nextFamily()) return false;
    const root = this.#stagedRoot(walk.slot, walk.familyId);
    if (walk.isDropped) {
      this.#removeTree(root);
      this.#addRow(FAMILY_ABSENT, new TreeRoot());
      return true;
    }
    this.#writer = new TreeWriter(this.#parts.context.pager, this.diff, root);
    this.#rangesRemoved = 0;
    return true;
  }

  #endFamily(writer: TreeWriter): void {
    writer.flush();
    this.#addRow(FAMILY_LIVE, writer.root);
    this.#writer = undefined;
  }

  /** A family that no version has had yet starts empty. */
  #stagedRoot(slot: number, familyId: number): TreeRoot {
    const row = new RootRow();
    decodeRootRow(this.#parts.context.shared.roots, stagedRowAt(slot), row);
    const root = new TreeRoot();
    if (row.state !== FAMILY_LIVE || row.id !== familyId) return root;
    root.page = row.page;
    root.birth = row.birth;
    root.count = row.count;
    return root;
  }

  #removeTree(root: TreeRoot): void {
    const { pager } = this.#parts.context;
    forEachPage(pager, root, (page, birth) => pager.release(this.diff, page, birth));
  }

  #addRow(state: number, root: TreeRoot): void {
    const row = new RootRow();
    row.id = this.#walk.familyId;
    row.state = state;
    row.page = root.page;
    row.birth = root.birth;
    row.count = root.count;
    this.rows.push({ slot: this.#walk.slot, row });
  }

  /** Its pages are about to be written early, and may leave their frames then. */
  #leavePages(): void {
    const { pager } = this.#parts.context;
    pager.beginOperation();
    this.#writer?.reset();
    pager.endOperation();
  }
}
