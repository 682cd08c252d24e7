/** What the process that dies and the one that recovers must agree on. */
import type { ColumnFamily, Database, OpenOptions } from '@manifold-db/core';
import { OPERATION_HEADER_BYTES, padTo4 } from '@manifold-db/storage';
import type { Mode } from '../arguments.js';
import type { KeyOrder } from '../ladder/workload.js';

export const KEY_BYTES = 8;
export const VALUE_BYTES = 100;
/** What one put takes in the log. */
export const PUT_LOG_BYTES = OPERATION_HEADER_BYTES + padTo4(KEY_BYTES) + padTo4(VALUE_BYTES);
const MIB = 2 ** 20;

/** No checkpoint for any reason: the whole log is left for recovery. */
const RECOVERY_OPTIONS = {
  checkpointIntervalMs: 0,
  cacheBytes: 768 * MIB,
  walBytesMax: 1024 * MIB,
} as const satisfies OpenOptions;

export interface RecoveryParameters {
  readonly directory: string;
  readonly mode: Mode;
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly count: number;
  readonly batchOps: number;
  readonly order: KeyOrder;
}

export function optionsFor({ mode, openOptions }: RecoveryParameters): OpenOptions {
  return { ...RECOVERY_OPTIONS, ...openOptions, mode } as OpenOptions;
}

export function openFamily(database: Database): ColumnFamily<Buffer, Buffer> {
  return database.columnFamily<Buffer, Buffer>('recovery', {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
}

export function writeKey(key: Buffer, number: number): Buffer {
  key.writeUInt32BE(number, key.length - Uint32Array.BYTES_PER_ELEMENT);
  return key;
}
