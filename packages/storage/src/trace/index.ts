export * from './trace-writer.js';
export * from './trace-reader.js';
