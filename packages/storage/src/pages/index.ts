export * from './async-load.js';
export * from './diff.js';
export { hintBytesMax } from './frame-hints.js';
export { PAGE_IS_MISSING } from './page-loader.js';
export * from './page-memory.js';
export * from './page-writer.js';
export * from './pager.js';
export * from './free-page-seed.js';
export * from './prefault.js';
