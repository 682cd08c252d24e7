/** Task: checks the pages of one subtree. */
import {
  PageSource,
  checkSubtree,
  type Meta,
  type SubtreeClaim,
  type SubtreeReport,
  type Vfs,
} from '@manifold-db/storage';

export interface CheckInput {
  readonly dataPath: string;
  readonly meta: Meta;
  readonly claim: SubtreeClaim;
  /** Larger subtrees come back in parts. */
  readonly entriesMax: number;
}

export function checkPages(
  vfs: Vfs,
  { dataPath, meta, claim, entriesMax }: CheckInput,
  poll: () => void,
): SubtreeReport {
  const file = vfs.open(dataPath, 'read');
  try {
    return checkSubtree(new PageSource(file, dataPath, meta), claim, { entriesMax, poll });
  } finally {
    file.close();
  }
}
