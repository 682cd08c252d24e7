/**
 * Builds the operations of one transaction again, with another builder: an optimistic transaction
 * on the newest state, a commit that is too large for the write buffer as a page diff. Main thread.
 */
import {
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  OperationCursor,
  OperationKind,
  assert,
} from '@manifold-db/storage';
import type { TransactionBuilder } from './build/builder.js';
import type { Families, FamilyEntry } from './families.js';
import type { Staging } from './staging.js';

/** The families come into being by themselves, where the target finds none. */
export function rebuild(staging: Staging, families: Families, target: TransactionBuilder): void {
  const cursor = new OperationCursor();
  const { bytes } = staging;
  cursor.reset(bytes, 0, staging.length, 'transaction');
  while (cursor.next()) {
    if (cursor.kind === OperationKind.CREATE_FAMILY) continue;
    const entry = entryOf(families, cursor.columnFamilyId);
    const key = bytes.subarray(cursor.keyOffset, cursor.keyOffset + cursor.keyBytes);
    const value = bytes.subarray(cursor.valueOffset, cursor.valueOffset + cursor.valueBytes);
    switch (cursor.kind) {
      case OperationKind.PUT:
        target.putRaw(entry, key, value);
        break;
      case OperationKind.DELETE:
        target.deleteRaw(entry, key);
        break;
      case OperationKind.CLEAR: {
        const low = (cursor.flags & CLEAR_HAS_LOW) === 0 ? undefined : key;
        const high = (cursor.flags & CLEAR_HAS_HIGH) === 0 ? undefined : value;
        target.clear(entry, low, high);
        break;
      }
      default:
        target.drop(entry);
    }
  }
}

function entryOf(families: Families, id: number): FamilyEntry {
  const entry = families.byId(id);
  assert(entry !== undefined, 'a logged family has an entry');
  return entry;
}
