/**
 * What several sealed write buffers do to the trees together: their windows as one, so that a leaf
 * that each of them changes is touched once. Run by apply worker 0.
 *
 * Each buffer is walked on its own (`merge-walk.ts`); of entries with the same key the newest
 * counts, and what a newer buffer clears is no entry of an older one.
 *
 * Invariants
 * 1. The window begins inside the oldest buffer or before it and ends with the newest one; none of
 *    the others has a snapshot inside.
 * 2. A walk that is given as `entry` stays where it is until the next call.
 */
import { BufferMergeWalk } from './merge-walk.js';
import { compareKey } from './keys.js';
import type { BufferRange } from './tombstones.js';
import type { WriteBuffer } from './write-buffer.js';

const NO_RANGES: readonly BufferRange[] = [];
const NONE = -1;

export class GenerationsWalk {
  /** Current family. */
  familyId = 0;
  slot = 0;
  isDropped = false;
  /** Ranges that the window removes from the family, the oldest first. */
  tombstones: readonly BufferRange[] = NO_RANGES;
  /** Newest first. */
  readonly #walks: readonly BufferMergeWalk[];
  readonly #familyIds: readonly number[];
  #familyIndex = 0;
  /** The walks that have the current family, newest first. */
  #inFamily: readonly BufferMergeWalk[] = [];
  /** Which of them stand on an entry that was not given yet, or was given last. */
  readonly #hasEntry: boolean[] = [];
  #given = NONE;
  #isBegun = false;

  /** `buffers`: oldest first. */
  constructor(buffers: readonly WriteBuffer[], above: number, upTo: number) {
    const walks = buffers.map((buffer) => {
      const walk = new BufferMergeWalk();
      walk.reset(buffer, above, upTo);
      return walk;
    });
    // A slot goes to a new family only after its old one was dropped, and is named later.
    this.#familyIds = [...new Set(walks.flatMap((walk) => walk.familyIds()))];
    this.#walks = walks.reverse();
  }

  /** The walk that stands on the current entry. */
  get entry(): BufferMergeWalk {
    return this.#inFamily[this.#given]!;
  }

  /** Goes to the next family that the window creates, drops or changes. */
  nextFamily(): boolean {
    while (this.#familyIndex < this.#familyIds.length) {
      if (this.#enter(this.#familyIds[this.#familyIndex++]!)) return true;
    }
    this.#inFamily = [];
    this.tombstones = NO_RANGES;
    return false;
  }

  #enter(familyId: number): boolean {
    const inFamily = this.#walks.filter((walk) => walk.goTo(familyId));
    const newest = inFamily[0];
    if (newest === undefined) return false;
    this.familyId = familyId;
    this.slot = newest.slot;
    this.isDropped = inFamily.some((walk) => walk.isDropped);
    this.#inFamily = this.isDropped ? [] : inFamily;
    this.tombstones = this.#inFamily.flatMap((walk) => walk.tombstones.toReversed()).reverse();
    this.#given = NONE;
    this.#isBegun = false;
    return true;
  }

  /** Goes to the next entry of the family, in key order. */
  nextEntry(): boolean {
    const walks = this.#inFamily;
    if (this.#given !== NONE) this.#advance(this.#given);
    else if (!this.#isBegun) this.#begin();
    let least = NONE;
    for (let i = 0; i < walks.length; i++) {
      if (!this.#hasEntry[i]) continue;
      if (least === NONE) {
        least = i;
        continue;
      }
      const order = compareEntries(walks[i]!, walks[least]!);
      if (order < 0) least = i;
      else if (order === 0) this.#advance(i);
    }
    this.#given = least;
    return least !== NONE;
  }

  #begin(): void {
    this.#isBegun = true;
    for (let i = 0; i < this.#inFamily.length; i++) this.#advance(i);
  }

  /** Goes to the walk's next entry that no newer buffer clears. */
  #advance(index: number): void {
    const walk = this.#inFamily[index]!;
    let hasEntry = walk.nextEntry();
    while (hasEntry && this.#isCleared(walk, index)) hasEntry = walk.nextEntry();
    this.#hasEntry[index] = hasEntry;
  }

  #isCleared({ bytes, keyOffset, keyBytes }: BufferMergeWalk, index: number): boolean {
    for (let newer = 0; newer < index; newer++) {
      if (this.#inFamily[newer]!.clears(bytes, keyOffset, keyBytes)) return true;
    }
    return false;
  }
}

function compareEntries(a: BufferMergeWalk, b: BufferMergeWalk): number {
  return compareKey(a.bytes, a.keyOffset, a.keyBytes, b.bytes, b.keyOffset, b.keyBytes);
}
