export * from './vfs.js';
export * from './whole-write.js';
export * from './real.js';
export * from './slow.js';
export * from './fault.js';
export * from './spec.js';
export { SECTOR_BYTES } from './pending.js';
export type { CrashOptions, PendingWrite, Random } from './pending.js';
export * from './simulated.js';
