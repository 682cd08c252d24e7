export * from './init.js';
export * from './wal-loop.js';
export * from './create-wal-loop.js';
