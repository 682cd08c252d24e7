export * from './check-tree.js';
export { readOverflow } from './overflow-read.js';
export { WRITE_THROUGH_BYTES_MIN } from './overflow-write.js';
export * from './tree-cursor.js';
export { treeCount, treeGet } from './tree-get.js';
export { forEachPage } from './tree-pages.js';
export * from './tree-range-equal.js';
export { TreeHit, TreeRoot } from './tree-root.js';
export * from './tree-writer.js';
