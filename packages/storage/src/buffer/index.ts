export * from './buffer-cursor.js';
export * from './generations-walk.js';
export { hashKey } from './keys.js';
export * from './merge-walk.js';
export type { BufferRange } from './tombstones.js';
export * from './write-buffer.js';
