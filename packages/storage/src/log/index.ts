export { scanLog } from './scanner.js';
export type { LogScanOptions, LogScanResult, LogSegment, LogTail, TailReason } from './scanner.js';
export type { LogRange } from './proven-end.js';
export type { LogSink } from './transaction-assembler.js';
export { cutTail } from './tail-cut.js';
export type { LogPosition } from './tail-cut.js';
