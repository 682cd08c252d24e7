/**
 * Looking up a key in the ordered index of its family. Any attached thread.
 */
import { FAMILY_ROOT, FAMILY_TOP, NO_UNIT, UNIT_WORD_SHIFT } from '../layout/write-buffer.js';
import { NO_FAMILY } from './families.js';
import { BRANCH_CHILDREN, routeOf, searchNode, unitsAt } from './ordered-node.js';

const LEAF_UNITS = unitsAt(0);

/** Word of the leaf that the key is routed to. The family has keys. */
export function leafForKey(
  u8: Uint8Array,
  words: Int32Array,
  family: number,
  key: Uint8Array,
  keyBytes: number,
): number {
  let node = words[family + FAMILY_ROOT] << UNIT_WORD_SHIFT;
  for (let level = words[family + FAMILY_TOP]; level > 0; level--) {
    const entry = routeOf(searchNode(u8, words, node, level, key, 0, keyBytes));
    node = words[node + BRANCH_CHILDREN + entry] << UNIT_WORD_SHIFT;
  }
  return node;
}

/** Unit of the key's node, or NO_UNIT. `family`: word of the family row, or NO_FAMILY. */
export function unitInOrder(
  u8: Uint8Array,
  words: Int32Array,
  family: number,
  key: Uint8Array,
  keyBytes: number,
): number {
  if (family === NO_FAMILY || words[family + FAMILY_ROOT] === NO_UNIT) return NO_UNIT;
  const leaf = leafForKey(u8, words, family, key, keyBytes);
  const found = searchNode(u8, words, leaf, 0, key, 0, keyBytes);
  return found < 0 ? NO_UNIT : words[leaf + LEAF_UNITS + found];
}
