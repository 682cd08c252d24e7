export * from './append-lock.js';
export * from './log-admission.js';
export * from './claim.js';
export * from './consumer.js';
