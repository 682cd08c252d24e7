export * from './log-space.js';
export * from './segment-preparation.js';
