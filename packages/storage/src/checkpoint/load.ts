/**
 * Reading a checkpoint: the meta that counts, the pages in use, the catalog. Runs at open and
 * changes nothing.
 */
import { join } from 'node:path';
import { corrupt } from '../errors.js';
import { decodeCatalogKey, decodeCatalogValue, CATALOG_KEY_BYTES } from '../format/catalog.js';
import { readMetas, type Meta } from '../format/meta.js';
import { NO_PAGE } from '../ids.js';
import { COLUMN_FAMILIES_MAX, KEY_BYTES_MAX } from '../limits.js';
import type { Pager } from '../pages/pager.js';
import type { FamilyAtStart } from '../roots/initialize.js';
import { TreeCursor, TreeRoot } from '../tree/index.js';
import type { Vfs } from '../vfs/vfs.js';
import { DATA_FILE_NAME } from './create.js';
import { readFreeMap, type FreeMap } from './free-map-file.js';

export interface LoadedCheckpoint {
  readonly meta: Meta;
  /** What is wrong with the other meta page; `undefined` when it is valid too. */
  readonly otherProblem: string | undefined;
  readonly freeMap: FreeMap;
}

/**
 * Reads metas and free map of a database that is there. ERR_MANIFOLD_CORRUPT for a file that is
 * empty, cut short, zeroed or damaged; ERR_MANIFOLD_FORMAT for another version. Bytes behind the
 * last page are ignored: a checkpoint that was cut off by a crash leaves some.
 */
export function loadCheckpoint(vfs: Vfs, directory: string): LoadedCheckpoint {
  const path = join(directory, DATA_FILE_NAME);
  const file = vfs.open(path, 'read');
  try {
    const { meta, otherProblem } = readMetas(file, path);
    return { meta, otherProblem, freeMap: readFreeMap(file, path, meta) };
  } finally {
    file.close();
  }
}

/** The column families of a checkpoint, by id. Opens one operation of the pager. */
export function loadCatalog(pager: Pager, meta: Meta): FamilyAtStart[] {
  const families: FamilyAtStart[] = [];
  pager.beginOperation();
  try {
    const root = new TreeRoot();
    root.page = meta.catalogPage;
    root.birth = meta.catalogBirth;
    root.count = meta.catalogCount;
    const cursor = new TreeCursor(pager);
    const key = new Uint8Array(KEY_BYTES_MAX);
    for (let found = cursor.seekFirst(root); found; found = cursor.next()) {
      families.push(readFamily(pager, meta, cursor, key));
    }
  } finally {
    pager.endOperation();
  }
  const names = new Set(families.map(({ name }) => name));
  if (names.size < families.length || families.length > COLUMN_FAMILIES_MAX) {
    const what = `${families.length} column families with ${names.size} names in the catalog`;
    throw corrupt(pager.path, meta.catalogPage * meta.pageBytes, what);
  }
  if (families.length !== meta.catalogCount) {
    throw corrupt(
      pager.path,
      meta.catalogPage * meta.pageBytes,
      `the catalog has ${families.length} column families, its root says ${meta.catalogCount}`,
    );
  }
  return families;
}

function readFamily(pager: Pager, meta: Meta, cursor: TreeCursor, key: Uint8Array): FamilyAtStart {
  const keyBytes = cursor.copyKey(key, 0);
  const { hit } = cursor;
  const offset = meta.catalogPage * meta.pageBytes;
  if (keyBytes !== CATALOG_KEY_BYTES) throw corrupt(pager.path, offset, 'a damaged catalog key');
  if (hit.overflowPage !== NO_PAGE) throw corrupt(pager.path, offset, 'a damaged catalog entry');
  // Private copies: shared bytes are never decoded as text.
  const value = hit.u8.slice(hit.valueOffset, hit.valueOffset + hit.valueBytes);
  const id = decodeCatalogKey(key.slice(0, keyBytes), pager.path);
  const entry = decodeCatalogValue(value, pager.path);
  if (entry.rootPage >= meta.pageCount || entry.rootBirth >= meta.birthCounter) {
    throw corrupt(pager.path, offset, `impossible root of column family ${entry.name}`);
  }
  if (id >= meta.nextColumnFamilyId) {
    throw corrupt(pager.path, offset, `impossible id ${id} of column family ${entry.name}`);
  }
  return {
    id,
    name: entry.name,
    page: entry.rootPage,
    birth: entry.rootBirth,
    count: entry.entryCount,
  };
}
