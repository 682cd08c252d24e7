/**
 * Whether a range reads the same in two versions of a column family: for the validation of
 * optimistic transactions. Any thread with a page manager, inside a page operation.
 *
 * Versions that are trees alone are compared by their pages: subtrees with equal number and birth
 * are skipped. With buffers, what changed between the two is in buffers as long as both stand on
 * one root: then only the keys in the buffers are looked up. Otherwise both are walked.
 */
import { treeRangeEqual } from '@manifold-db/storage';
import type { ReadMemory } from './context.js';
import { Place, findKey } from './find.js';
import { MergedCursor } from './merged-cursor.js';
import { copyFound } from './point.js';
import { copyBuffered, copyHit } from './value-copy.js';
import type { FamilyView } from './view.js';

type Bound = Uint8Array | undefined;

export function isRangeEqual(
  memory: ReadMemory,
  before: FamilyView,
  now: FamilyView,
  low: Bound,
  high: Bound,
): boolean {
  const { pager } = memory;
  if (!before.isLayered && !now.isLayered) {
    return treeRangeEqual(pager, before.root, now.root, low, high);
  }
  const isSameRoot = before.root.page === now.root.page && before.root.birth === now.root.birth;
  const isSameFamily = before.familyId === now.familyId;
  const hasCleared = isCleared(before) || isCleared(now);
  if (isSameRoot && isSameFamily && !hasCleared)
    return areBufferedEqual(memory, before, now, low, high);
  return areWalksEqual(memory, before, now, low, high);
}

function isCleared(view: FamilyView): boolean {
  return view.buffers.some((buffer) => {
    return buffer.tombstones(view.familyId, -1, view.sequence).length > 0;
  });
}

/** `now` has every buffer that `before` has, and what differs stands in one of its buffers. */
function areBufferedEqual(
  memory: ReadMemory,
  before: FamilyView,
  now: FamilyView,
  low: Bound,
  high: Bound,
): boolean {
  const { buffered } = memory;
  buffered.reset(now);
  let found =
    low === undefined ? buffered.seekFirst() : buffered.seekForward(low, low.length, true);
  for (; found; found = buffered.move()) {
    const key = buffered.keyView();
    if (high !== undefined && Buffer.compare(key, high) >= 0) break;
    if (!isValueEqual(memory, before, now, key)) {
      buffered.release();
      return false;
    }
  }
  buffered.release();
  return true;
}

function isValueEqual(
  memory: ReadMemory,
  before: FamilyView,
  now: FamilyView,
  key: Buffer,
): boolean {
  const was = valueOf(memory, before, key);
  const is = valueOf(memory, now, key);
  if (was === undefined || is === undefined) return was === is;
  return Buffer.compare(was, is) === 0;
}

function valueOf(memory: ReadMemory, view: FamilyView, key: Buffer): Buffer | undefined {
  const place = findKey(memory, view, key, key.length);
  return place === Place.NOWHERE ? undefined : copyFound(memory, place);
}

/** Entry by entry. */
function areWalksEqual(
  memory: ReadMemory,
  before: FamilyView,
  now: FamilyView,
  low: Bound,
  high: Bound,
): boolean {
  const was = new MergedCursor(memory.pager);
  const is = new MergedCursor(memory.pager);
  was.reset(before);
  is.reset(now);
  let hasWas = seek(was, low, high);
  let hasIs = seek(is, low, high);
  while (hasWas && hasIs) {
    if (Buffer.compare(was.keyView(), is.keyView()) !== 0) return false;
    if (Buffer.compare(valueAt(memory, was), valueAt(memory, is)) !== 0) return false;
    hasWas = was.move() && isBelow(was, high);
    hasIs = is.move() && isBelow(is, high);
  }
  return !hasWas && !hasIs;
}

function seek(cursor: MergedCursor, low: Bound, high: Bound): boolean {
  const found = low === undefined ? cursor.seekFirst() : cursor.seekForward(low, low.length, true);
  return found && isBelow(cursor, high);
}

function isBelow(cursor: MergedCursor, high: Bound): boolean {
  return high === undefined || Buffer.compare(cursor.keyView(), high) < 0;
}

function valueAt(memory: ReadMemory, cursor: MergedCursor): Buffer {
  if (cursor.isInTree) return copyHit(memory, cursor.tree.hit);
  return copyBuffered(cursor.buffer, cursor.valueOffset, cursor.valueBytes);
}
