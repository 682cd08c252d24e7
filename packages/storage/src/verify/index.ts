export { PageSource, type PageProblem } from './page-source.js';
export {
  checkSubtree,
  rootClaim,
  type SubtreeClaim,
  type SubtreeOptions,
  type SubtreeReport,
} from './subtree-check.js';
