/**
 * Names of column families in shared memory, by slot. Layout: end of `layout/roots.ts`. Written
 * under the append lock before the slot's row becomes FAMILY_LIVE anywhere; unchanged as long as
 * any table holds the row.
 */
import { assert } from '../assert.js';
import { NAME_ROW_BYTES } from '../layout/roots.js';
import { COLUMN_FAMILY_NAME_BYTES_MAX } from '../limits.js';
import type { Shared } from '../shared.js';

assert(COLUMN_FAMILY_NAME_BYTES_MAX < NAME_ROW_BYTES, 'length byte and longest name fit a row');

export function writeFamilyName(shared: Shared, slot: number, name: string): void {
  const bytes = new TextEncoder().encode(name);
  assert(bytes.length <= COLUMN_FAMILY_NAME_BYTES_MAX, 'the name was checked by the caller');
  const at = slot * NAME_ROW_BYTES;
  shared.names.set(bytes, at + 1);
  shared.names[at] = bytes.length;
}

export function readFamilyName(shared: Shared, slot: number): string {
  const at = slot * NAME_ROW_BYTES;
  const bytes = shared.names[at]!;
  // A private copy: shared bytes are never decoded in place.
  return new TextDecoder().decode(shared.names.slice(at + 1, at + 1 + bytes));
}
