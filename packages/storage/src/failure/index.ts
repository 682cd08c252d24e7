export * from './failure.js';
export * from './thread-life.js';
