/**
 * Checks the structure of a whole write buffer: every invariant of `ordered-node.ts`, the lists of
 * leaves, the hash table, the counts. For tests.
 */
import { assert } from '../../assert.js';
import {
  BUFFER_BRANCHES,
  BUFFER_DATA_USED,
  BUFFER_KEYS,
  BUFFER_LEAVES,
  BUFFER_UNITS_USED,
  FAMILY_FIRST_LEAF,
  FAMILY_ID,
  FAMILY_KEYS,
  FAMILY_LAST_LEAF,
  FAMILY_ROOT,
  FAMILY_TOP,
  KEY_FAMILY,
  KEY_OFFSET,
  NO_UNIT,
  UNIT_BYTES,
  UNIT_WORD_SHIFT,
  dataStart,
  hashSlotCount,
} from '../../layout/write-buffer.js';
import { familyRows } from '../families.js';
import { hashMore, unitOfKey } from '../key-table.js';
import { hashKey, hashOwnKey } from '../keys.js';
import {
  BRANCH_CHILDREN,
  BRANCH_MIN,
  LEAF_MIN,
  NODE_COUNT,
  NODE_HEADS,
  NODE_NEXT,
  NODE_PREFIX,
  NODE_PREFIX_BYTES,
  NODE_PREFIX_START,
  NODE_PREVIOUS,
  entryKey,
  firstCompared,
  headOf,
  keyBytesOf,
  unitsAt,
} from '../ordered-node.js';
import { unitInOrder } from '../ordered-search.js';
import type { WriteBuffer } from '../write-buffer.js';

interface Found {
  readonly keys: Uint8Array[];
  readonly leaves: number[];
  branches: number;
}

class Checker {
  readonly #buffer: WriteBuffer;
  readonly #words: Int32Array;
  readonly #mask: number;

  constructor(buffer: WriteBuffer) {
    this.#buffer = buffer;
    this.#words = buffer.words;
    this.#mask = hashSlotCount(buffer.bytes.length) - 1;
    hashMore(this.#words, this.#mask, dataStart(buffer.bytes.length), Infinity);
  }

  /** Number of keys of the family. */
  checkFamily(family: number, totals: { leaves: number; branches: number }): number {
    const words = this.#words;
    const found: Found = { keys: [], leaves: [], branches: 0 };
    const root = words[family + FAMILY_ROOT];
    if (root !== NO_UNIT) {
      const node = root << UNIT_WORD_SHIFT;
      this.#checkNode(family, node, words[family + FAMILY_TOP], undefined, undefined, found);
    }
    for (let i = 1; i < found.keys.length; i++) {
      assert(Buffer.compare(found.keys[i - 1], found.keys[i]) < 0, 'keys ascend');
    }
    assert(words[family + FAMILY_KEYS] === found.keys.length, 'the row counts the keys');
    this.#checkLeafList(family, found.leaves);
    totals.leaves += found.leaves.length;
    totals.branches += found.branches;
    return found.keys.length;
  }

  #keyAt(keyNode: number): Uint8Array {
    const at = this.#words[keyNode + KEY_OFFSET];
    return this.#buffer.bytes.subarray(at, at + keyBytesOf(this.#words, keyNode));
  }

  #checkNode(
    family: number,
    node: number,
    level: number,
    low: Uint8Array | undefined,
    high: Uint8Array | undefined,
    found: Found,
  ): void {
    const words = this.#words;
    const { bytes } = this.#buffer;
    const count = words[node + NODE_COUNT];
    const isLast = words[node + NODE_NEXT] === NO_UNIT;
    const least = level === 0 ? LEAF_MIN : BRANCH_MIN;
    assert(count >= (isLast ? 1 : least), 'a node is half full');
    const units = unitsAt(level);
    const prefix = words[node + NODE_PREFIX_BYTES];
    const prefixAt = words[node + NODE_PREFIX];
    const start = (node + NODE_PREFIX_START) << 2;
    const startBytes = Math.min(prefix, (NODE_HEADS - NODE_PREFIX_START) << 2);
    assert(
      bytes.compare(bytes, start, start + startBytes, prefixAt, prefixAt + startBytes) === 0,
      'the prefix begins as the node says',
    );
    for (let entry = firstCompared(level); entry < count; entry++) {
      const keyNode = entryKey(words, node, units, entry);
      const key = this.#keyAt(keyNode);
      assert(
        Buffer.compare(key.subarray(0, prefix), bytes.subarray(prefixAt, prefixAt + prefix)) === 0,
        'every compared key has the prefix',
      );
      const head = headOf(bytes, words, keyNode, prefix);
      assert(words[node + NODE_HEADS + entry] === head, 'heads belong to their keys');
      assert(low === undefined || Buffer.compare(low, key) <= 0, 'keys are not below their node');
      assert(high === undefined || Buffer.compare(key, high) < 0, 'keys are below the next node');
      if (level === 0) this.#checkKey(family, keyNode, key, found);
    }
    if (level === 0) {
      found.leaves.push(node);
      return;
    }
    found.branches += 1;
    for (let entry = 0; entry < count; entry++) {
      const child = words[node + BRANCH_CHILDREN + entry] << UNIT_WORD_SHIFT;
      const from = entry === 0 ? low : this.#keyAt(entryKey(words, node, units, entry));
      const isEnd = entry + 1 === count;
      const to = isEnd ? high : this.#keyAt(entryKey(words, node, units, entry + 1));
      this.#checkNode(family, child, level - 1, from, to, found);
    }
  }

  #checkKey(family: number, keyNode: number, key: Uint8Array, found: Found): void {
    const words = this.#words;
    const id = words[family + FAMILY_ID];
    assert(words[keyNode + KEY_FAMILY] === id, 'keys stand in the index of their family');
    const offset = words[keyNode + KEY_OFFSET];
    const hash = hashOwnKey(id, words, offset, key.length);
    assert(hash === hashKey(id, key, 0, key.length), 'both hashes agree');
    const { bytes } = this.#buffer;
    const hashed = unitOfKey(bytes, words, this.#mask, id, key, key.length, hash);
    const unit = keyNode >> UNIT_WORD_SHIFT;
    assert(hashed === unit, 'the hash table leads to the key');
    assert(unitInOrder(bytes, words, family, key, key.length) === unit, 'and so does the order');
    found.keys.push(key);
  }

  #checkLeafList(family: number, leaves: readonly number[]): void {
    const words = this.#words;
    const unitOf = (index: number) => (leaves[index] ?? 0) >> UNIT_WORD_SHIFT;
    assert(words[family + FAMILY_FIRST_LEAF] === unitOf(0), 'the row knows the first leaf');
    const last = leaves.length - 1;
    assert(words[family + FAMILY_LAST_LEAF] === unitOf(last), 'the row knows the last leaf');
    for (const [index, leaf] of leaves.entries()) {
      assert(words[leaf + NODE_PREVIOUS] === unitOf(index - 1), 'leaves know the one before');
      assert(words[leaf + NODE_NEXT] === unitOf(index + 1), 'leaves know the one behind');
    }
  }
}

export function checkBuffer(buffer: WriteBuffer): void {
  const { words } = buffer;
  const checker = new Checker(buffer);
  const totals = { leaves: 0, branches: 0 };
  let keys = 0;
  for (const row of familyRows(words)) keys += checker.checkFamily(row, totals);
  assert(words[BUFFER_KEYS] === keys, 'the header counts the keys');
  assert(words[BUFFER_LEAVES] === totals.leaves, 'the header counts the leaves');
  assert(words[BUFFER_BRANCHES] === totals.branches, 'the header counts the branches');
  const units = words[BUFFER_UNITS_USED] * UNIT_BYTES;
  assert(words[BUFFER_DATA_USED] + units <= buffer.capacityBytes, 'data and index do not meet');
}
