/**
 * How much of a write buffer operations may take at worst. Pure arithmetic: run by any thread.
 *
 * The index grows by what the operations add at once (a unit each, family rows) and by nodes. Nodes
 * are bounded in two ways, and the smaller bound counts:
 * - by history: all leaves but the last of a family are at least half full, so keys K in F families
 *   stand in at most K / LEAF_MIN + F leaves (S = K / LEAF_MIN of them made by splits), and above
 *   those are at most min(S, S / (BRANCH_MIN - 1) + BRANCH_LEVELS_MAX * F) branches;
 * - by step: an operation makes one leaf at most, and one branch on every level.
 */
import { assert } from '../assert.js';
import {
  BUFFER_BRANCHES,
  BUFFER_DATA_USED,
  BUFFER_FAMILIES,
  BUFFER_KEYS,
  BUFFER_LEAVES,
  BUFFER_TOMBSTONES,
  BUFFER_UNITS_USED,
  FAMILY_UNITS,
  UNIT_BYTES,
  dataStart,
  hashSlotCount,
} from '../layout/write-buffer.js';
import {
  COLUMN_FAMILIES_MAX,
  WRITE_BUFFER_BYTES_MAX,
  WRITE_BUFFER_TOMBSTONES_MAX,
} from '../limits.js';
import { INDEX_LEVELS_MAX } from './ordered-insert.js';
import { BRANCH_MIN, LEAF_MIN, NODE_UNITS } from './ordered-node.js';

const BRANCH_LEVELS_MAX = INDEX_LEVELS_MAX - 1;
/** Leaves of the largest block stand under so many levels of half-full branches. */
const LEAVES_MAX = hashSlotCount(WRITE_BUFFER_BYTES_MAX) / LEAF_MIN;
assert(BRANCH_MIN ** (BRANCH_LEVELS_MAX - 1) > LEAVES_MAX, 'an index has room for its levels');

/** Keys that the hash table takes: three quarters of its slots. */
function keysMax(blockBytes: number): number {
  return (hashSlotCount(blockBytes) / 4) * 3;
}

/** Units of index that `operations` more operations, in `families` new families, take at most. */
function unitsMax(words: Int32Array, operations: number, families: number): number {
  const familiesAll = words[BUFFER_FAMILIES] + families;
  const splits = Math.floor((words[BUFFER_KEYS] + operations) / LEAF_MIN);
  const leaves = Math.min(operations, splits + familiesAll - words[BUFFER_LEAVES]);
  const branchesAll = Math.min(
    splits,
    Math.floor(splits / (BRANCH_MIN - 1)) + BRANCH_LEVELS_MAX * familiesAll,
  );
  const branches = Math.min(operations * BRANCH_LEVELS_MAX, branchesAll - words[BUFFER_BRANCHES]);
  return operations + families * FAMILY_UNITS + (leaves + branches) * NODE_UNITS;
}

/** As `WriteBuffer.hasRoom`, for a block whose header is the beginning of `words`. */
export function hasRoomIn(
  words: Int32Array,
  blockBytes: number,
  payloadBytes: number,
  operationCount: number,
  clearCount: number,
  familyCount: number,
): boolean {
  if (words[BUFFER_TOMBSTONES] + clearCount > WRITE_BUFFER_TOMBSTONES_MAX) return false;
  if (words[BUFFER_KEYS] + operationCount > keysMax(blockBytes)) return false;
  const families = Math.min(operationCount, familyCount, COLUMN_FAMILIES_MAX);
  const units = words[BUFFER_UNITS_USED] + unitsMax(words, operationCount, families);
  const data = words[BUFFER_DATA_USED] + payloadBytes;
  const area = blockBytes - (blockBytes % UNIT_BYTES) - dataStart(blockBytes);
  return data + units * UNIT_BYTES <= area;
}
