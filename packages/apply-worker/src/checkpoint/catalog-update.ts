/**
 * Brings the catalog tree to a frozen root set: one entry per live column family, only changed rows
 * are touched. Threads: apply worker 0.
 */
import {
  FAMILY_LIVE,
  ROOT_ID,
  ROOT_STATE,
  ROOT_WORDS,
  RootRow,
  TEST_SWITCH_DROP_NOT_CHECKPOINTED,
  TreeRoot,
  TreeWriter,
  decodeRootRow,
  encodeCatalogKey,
  encodeCatalogValue,
  isTestSwitchOn,
  readFamilyName,
  type Diff,
  type Pager,
  type Shared,
} from '@manifold-db/storage';

/** Rows of slots that did not exist yet. */
const NO_ROW = new Int32Array(ROOT_WORDS);

function rowOf(rows: Int32Array, slot: number): Int32Array {
  const at = slot * ROOT_WORDS;
  return at < rows.length ? rows.subarray(at, at + ROOT_WORDS) : NO_ROW;
}

function isSameRow(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < ROOT_WORDS; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Inside an operation of the pager. Returns the root of the new catalog. */
export function updateCatalog(
  shared: Shared,
  pager: Pager,
  diff: Diff,
  catalog: TreeRoot,
  before: Int32Array,
  after: Int32Array,
): TreeRoot {
  const writer = new TreeWriter(pager, diff, catalog);
  const row = new RootRow();
  const slots = Math.max(before.length, after.length) / ROOT_WORDS;
  for (let slot = 0; slot < slots; slot++) {
    const oldRow = rowOf(before, slot);
    const newRow = rowOf(after, slot);
    if (isSameRow(oldRow, newRow)) continue;
    const wasLive = oldRow[ROOT_STATE] === FAMILY_LIVE;
    const isLive = newRow[ROOT_STATE] === FAMILY_LIVE;
    if (wasLive && (!isLive || oldRow[ROOT_ID] !== newRow[ROOT_ID])) {
      // B13 re-injected: it stays in the catalog.
      if (isTestSwitchOn(shared, TEST_SWITCH_DROP_NOT_CHECKPOINTED)) continue;
      const key = encodeCatalogKey(oldRow[ROOT_ID]!);
      writer.delete(key, 0, key.length);
    }
    if (!isLive) continue;
    decodeRootRow(newRow, 0, row);
    const key = encodeCatalogKey(row.id);
    const value = encodeCatalogValue({
      rootPage: row.page,
      rootBirth: row.birth,
      entryCount: row.count,
      flags: 0,
      name: readFamilyName(shared, slot),
    });
    writer.put(key, 0, key.length, value, 0, value.length);
  }
  writer.flush();
  const root = new TreeRoot();
  root.page = writer.root.page;
  root.birth = writer.root.birth;
  root.count = writer.root.count;
  return root;
}
