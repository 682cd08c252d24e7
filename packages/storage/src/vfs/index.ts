export * from './vfs.js';
export * from './real.js';
export * from './slow.js';
export * from './fault.js';
export * from './spec.js';
export * from './pending.js';
export * from './simulated.js';
