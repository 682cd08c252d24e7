/**
 * Reading a whole version back, for comparisons with the oracle.
 */
import { KEY_BYTES_MAX } from '../../limits.js';
import type { Pager } from '../../pages/pager.js';
import { readOverflow } from '../overflow-read.js';
import { TreeCursor } from '../tree-cursor.js';
import type { TreeHit, TreeRoot } from '../tree-root.js';
import { operate } from '../../pages/test-pager.js';
import type { OracleEntry } from './oracle.js';

export function valueOf(pager: Pager, hit: TreeHit): Uint8Array {
  if (hit.overflowPage === 0) {
    return hit.u8.slice(hit.valueOffset, hit.valueOffset + hit.valueBytes);
  }
  const value = new Uint8Array(hit.valueBytes);
  readOverflow(pager, hit, value);
  return value;
}

export function keyOf(cursor: TreeCursor): Uint8Array {
  const key = new Uint8Array(KEY_BYTES_MAX);
  return key.slice(0, cursor.copyKey(key, 0));
}

export function readAll(pager: Pager, root: TreeRoot): OracleEntry[] {
  return operate(pager, () => {
    const entries: OracleEntry[] = [];
    const cursor = new TreeCursor(pager);
    for (let there = cursor.seekFirst(root); there; there = cursor.next()) {
      entries.push({ key: keyOf(cursor), value: valueOf(pager, cursor.hit) });
    }
    return entries;
  });
}

/** The first difference between two lists of entries, or `undefined`. */
export function differenceOf(
  actual: readonly OracleEntry[],
  expected: readonly OracleEntry[],
): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} of ${expected.length} entries`;
  for (const [i, entry] of expected.entries()) {
    if (Buffer.compare(actual[i]!.key, entry.key) !== 0) return `the key of entry ${i}`;
    if (Buffer.compare(actual[i]!.value, entry.value) !== 0) return `the value of entry ${i}`;
  }
  return undefined;
}
