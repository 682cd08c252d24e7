/**
 * Catalogs whose pages are sound and whose content cannot be: each is ERR_MANIFOLD_CORRUPT, and
 * names the catalog's root.
 */
import { describe, expect, it } from 'vitest';
import { encodeCatalogKey, encodeCatalogValue } from '../format/catalog.js';
import type { Meta } from '../format/meta.js';
import { Diff } from '../pages/diff.js';
import { createTestPager } from '../pages/test-pager.js';
import { TreeRoot, TreeWriter } from '../tree/index.js';
import { loadCatalog } from './load.js';

const PAGE_COUNT = 100;
const BIRTH_COUNTER = 1000;
const NEXT_ID = 10;

interface Entry {
  readonly key?: Uint8Array;
  readonly value?: Uint8Array;
}

function family(name: string, rootPage = 0, rootBirth = 0): Uint8Array {
  return encodeCatalogValue({ rootPage, rootBirth, entryCount: 0, flags: 0, name });
}

function load(entries: readonly Entry[], countOff = 0) {
  const pager = createTestPager();
  const diff = new Diff();
  diff.reset(pager.newToken());
  pager.beginOperation();
  const writer = new TreeWriter(pager, diff, new TreeRoot());
  for (const { key = encodeCatalogKey(1), value = family('default') } of entries) {
    writer.put(key, 0, key.length, value, 0, value.length);
  }
  writer.flush();
  pager.endOperation();
  const { page, birth, count } = writer.root;
  const meta = {
    pageBytes: pager.pageBytes,
    pageCount: PAGE_COUNT,
    birthCounter: BIRTH_COUNTER,
    nextColumnFamilyId: NEXT_ID,
    catalogPage: page,
    catalogBirth: birth,
    catalogCount: count + countOff,
  } as Meta;
  return { families: () => loadCatalog(pager, meta), offset: page * pager.pageBytes };
}

describe('a catalog', () => {
  it('gives the families by id', () => {
    const other = { key: encodeCatalogKey(9), value: family('other', PAGE_COUNT - 1, 999) };
    const { families } = load([other, {}]);
    expect(families()).toEqual([
      { id: 1, name: 'default', page: 0, birth: 0, count: 0 },
      { id: 9, name: 'other', page: PAGE_COUNT - 1, birth: 999, count: 0 },
    ]);
  });

  it.each<[string, readonly Entry[], number?]>([
    ['1 column families, its root says 2', [{}], 1],
    ['2 column families with 1 names', [{}, { key: encodeCatalogKey(2) }]],
    ['a damaged catalog key', [{ key: new Uint8Array(5) }]],
    ['a damaged catalog entry', [{ value: new Uint8Array(3000) }]],
    ['impossible root of column family a', [{ value: family('a', PAGE_COUNT) }]],
    ['impossible root of column family a', [{ value: family('a', 5, BIRTH_COUNTER) }]],
    ['impossible id 10 of column family default', [{ key: encodeCatalogKey(NEXT_ID) }]],
  ])('is refused: %s', (problem, entries, countOff) => {
    const { families, offset } = load(entries, countOff);
    const message = expect.stringContaining(problem) as string;
    expect(families).toThrow(
      expect.objectContaining({ code: 'ERR_MANIFOLD_CORRUPT', message, offset }) as Error,
    );
  });
});
