export * from './consumer.js';
export * from './pending-entry.js';
export * from './producer.js';
