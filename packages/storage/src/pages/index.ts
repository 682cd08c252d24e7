export * from './async-load.js';
export * from './diff.js';
export * from './page-memory.js';
export * from './page-writer.js';
export * from './pager.js';
export * from './free-page-seed.js';
export * from './prefault.js';
