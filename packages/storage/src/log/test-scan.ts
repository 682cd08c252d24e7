/**
 * Scans test logs, and asks for errors: shared by the tests of the scanner.
 */
import { ManifoldError } from '../errors.js';
import { scanLog, type LogScanResult } from './scanner.js';
import { TEST_DATABASE_ID, TEST_DIRECTORY, type TestLog } from './test-log.js';

export interface Scanned extends LogScanResult {
  sequences: number[];
  payloads: Buffer[];
  opCounts: number[];
}

export function scan(log: Pick<TestLog, 'vfs'>, fromSequence = 0, oldestSegment = 1): Scanned {
  const sequences: number[] = [];
  const payloads: Buffer[] = [];
  const opCounts: number[] = [];
  const options = { databaseId: TEST_DATABASE_ID, fromSequence, oldestSegment };
  const result = scanLog(log.vfs, TEST_DIRECTORY, options, {
    transaction: (sequence, opCount, payload) => {
      sequences.push(sequence);
      payloads.push(Buffer.from(payload));
      opCounts.push(opCount);
    },
  });
  return { ...result, sequences, payloads, opCounts };
}

export function errorOf(action: () => unknown): ManifoldError {
  try {
    action();
  } catch (error) {
    if (error instanceof ManifoldError) return error;
    throw error;
  }
  throw new Error('the action did not fail');
}
