export * from './initialize.js';
export * from './names.js';
export { publishRootSet, RootSetReader } from './published.js';
export * from './rows.js';
export * from './snapshot-rows.js';
