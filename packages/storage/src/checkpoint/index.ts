export * from './create.js';
export * from './file-end.js';
export * from './free-map-file.js';
export * from './load.js';
export * from './page-bitmap.js';
