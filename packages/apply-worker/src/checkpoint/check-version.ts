/**
 * The costly check after a checkpoint: the pages that the durable version reaches are exactly those
 * that its free map calls in use. Only with MANIFOLD_CHECKS=1.
 */
import {
  FAMILY_LIVE,
  META_PAGE_COUNT,
  NO_PAGE,
  PageBitmap,
  ROOT_WORDS,
  RootRow,
  TreeRoot,
  assert,
  checkTree,
  decodeRootRow,
} from '@manifold-db/storage';
import type { ApplyContext } from '../context.js';
import type { DurableState } from './checkpointer.js';

export function checkDurableVersion(
  context: ApplyContext,
  durable: DurableState,
  inUse: PageBitmap,
): void {
  const reached = new PageBitmap();
  const visit = (page: number): void => {
    assert(reached.add(page), `page ${page} is reached once`);
  };
  for (let page = 0; page < META_PAGE_COUNT; page++) visit(page);
  for (const { page } of durable.freeMap.directories) visit(page);
  for (const { page } of durable.freeMap.chunks) if (page !== NO_PAGE) visit(page);
  const { pager } = context;
  pager.beginOperation();
  try {
    checkTree(pager, durable.catalog, visit);
    const row = new RootRow();
    for (let at = 0; at < durable.rows.length; at += ROOT_WORDS) {
      decodeRootRow(durable.rows, at, row);
      if (row.state !== FAMILY_LIVE) continue;
      const root = new TreeRoot();
      root.page = row.page;
      root.birth = row.birth;
      root.count = row.count;
      checkTree(pager, root, visit);
    }
  } finally {
    pager.endOperation();
  }
  for (const page of inUse.toArray()) {
    assert(reached.has(page), `page ${page}, called in use, is reached by a tree`);
  }
  assert(reached.count === inUse.count, 'every page that is reached is called in use');
}
