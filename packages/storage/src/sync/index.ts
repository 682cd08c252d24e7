export * from './wide.js';
export * from './mutex.js';
export * from './bell.js';
export * from './spin.js';
