/**
 * Exact counts over a view with buffers: what the tree counts, less what buffers hide of it, plus
 * what they add. Any thread with a page manager, inside a page operation.
 *
 * The cost is a look-up in the tree for each buffered key of the range; entries that are only in
 * the tree are counted by its branches, those in cleared ranges as well.
 */
import { treeCount, treeGet } from '@manifold-db/storage';
import type { ReadMemory } from './context.js';
import { layerAt, layerCount, layerFamily, layerSequence, type FamilyView } from './view.js';

type Bound = Uint8Array | undefined;

interface Interval {
  readonly low: Bound;
  readonly high: Bound;
}

/** Entries with keys in [low, high). */
export function countLayered(
  memory: ReadMemory,
  view: FamilyView,
  low: Bound,
  high: Bound,
): number {
  const { pager } = memory;
  const cleared = clearedIntervals(view, low, high);
  let count = treeCount(pager, view.root, low, high);
  for (const interval of cleared) {
    count -= treeCount(pager, view.root, interval.low, interval.high);
  }
  return count + countBuffered(memory, view, low, high, cleared);
}

/** What the keys in the buffers add to what the tree has outside of cleared ranges. */
function countBuffered(
  memory: ReadMemory,
  view: FamilyView,
  low: Bound,
  high: Bound,
  cleared: readonly Interval[],
): number {
  const { buffered, pager, hit } = memory;
  buffered.reset(view);
  let difference = 0;
  let found =
    low === undefined ? buffered.seekFirst() : buffered.seekForward(low, low.length, true);
  for (; found; found = buffered.move()) {
    const key = buffered.keyView();
    if (high !== undefined && Buffer.compare(key, high) >= 0) break;
    if (!buffered.isDeleted) difference++;
    const isHidden = cleared.some((interval) => isInside(key, interval));
    if (!isHidden && treeGet(pager, view.root, key, key.length, hit)) difference--;
  }
  buffered.release();
  return difference;
}

/** Cleared ranges of all layers within [low, high), disjoint and ascending. */
function clearedIntervals(view: FamilyView, low: Bound, high: Bound): Interval[] {
  const all: Interval[] = [];
  for (let i = 0; i < layerCount(view); i++) {
    const ranges = layerAt(view, i).tombstones(layerFamily(view, i), -1, layerSequence(view, i));
    for (const range of ranges) {
      const cut = { low: higherLow(range.low, low), high: lowerHigh(range.high, high) };
      if (isEmpty(cut)) continue;
      all.push(cut);
    }
  }
  all.sort((a, b) => compareLow(a.low, b.low));
  const merged: Interval[] = [];
  for (const interval of all) {
    const last = merged.at(-1);
    if (last === undefined || isBehind(interval.low, last.high)) merged.push(interval);
    else merged[merged.length - 1] = { low: last.low, high: higherHigh(last.high, interval.high) };
  }
  return merged;
}

function isInside(key: Uint8Array, { low, high }: Interval): boolean {
  if (low !== undefined && Buffer.compare(key, low) < 0) return false;
  return high === undefined || Buffer.compare(key, high) < 0;
}

function isEmpty({ low, high }: Interval): boolean {
  return low !== undefined && high !== undefined && Buffer.compare(low, high) >= 0;
}

/** Whether an interval that begins at `low` leaves a gap behind one that ends at `high`. */
function isBehind(low: Bound, high: Bound): boolean {
  return low !== undefined && high !== undefined && Buffer.compare(low, high) > 0;
}

function compareLow(a: Bound, b: Bound): number {
  if (a === undefined) return b === undefined ? 0 : -1;
  if (b === undefined) return 1;
  return Buffer.compare(a, b);
}

function higherLow(a: Bound, b: Bound): Bound {
  return compareLow(a, b) >= 0 ? a : b;
}

function lowerHigh(a: Bound, b: Bound): Bound {
  if (a === undefined) return b;
  return b === undefined || Buffer.compare(a, b) <= 0 ? a : b;
}

function higherHigh(a: Bound, b: Bound): Bound {
  if (a === undefined || b === undefined) return undefined;
  return Buffer.compare(a, b) >= 0 ? a : b;
}
