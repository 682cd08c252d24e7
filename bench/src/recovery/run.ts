/** What the process that dies and the one that recovers must agree on. */
import type { ColumnFamily, Database, OpenOptions } from '@manifold-db/core';

export const VALUE_BYTES = 100;
const MIB = 2 ** 20;

/** No checkpoint for any reason: the whole log is left for recovery. */
export const RECOVERY_OPTIONS = {
  checkpointIntervalMs: 0,
  cacheBytes: 768 * MIB,
  walBytesMax: 1024 * MIB,
} as const satisfies OpenOptions;

export type KeyOrder = 'ascending' | 'random';

export interface RecoveryParameters {
  readonly directory: string;
  readonly count: number;
  readonly batchOps: number;
  readonly order: KeyOrder;
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
