/**
 * Operations as plain objects and their way into a payload, for tests of the write buffer.
 */
import {
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  OperationKind,
  operationBytes,
  operationKeyOffset,
  operationValueOffset,
  writeOperationHeader,
} from '../../format/operation.js';
import type { WriteBuffer } from '../write-buffer.js';

export type TestOperation = { readonly family: number } & (
  | { readonly kind: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: Uint8Array }
  | {
      readonly kind: 'clear';
      readonly low: Uint8Array | undefined;
      readonly high: Uint8Array | undefined;
    }
  | { readonly kind: 'create' }
  | { readonly kind: 'drop' }
);

const NO_BYTES = new Uint8Array(0);
const FAMILY_NAME = Buffer.from('family');

interface Encoded {
  readonly kind: OperationKind;
  readonly flags: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

function encode(operation: TestOperation): Encoded {
  switch (operation.kind) {
    case 'put':
      return { kind: OperationKind.PUT, flags: 0, key: operation.key, value: operation.value };
    case 'delete':
      return { kind: OperationKind.DELETE, flags: 0, key: operation.key, value: NO_BYTES };
    case 'create':
      return { kind: OperationKind.CREATE_FAMILY, flags: 0, key: FAMILY_NAME, value: NO_BYTES };
    case 'drop':
      return { kind: OperationKind.DROP_FAMILY, flags: 0, key: NO_BYTES, value: NO_BYTES };
    case 'clear':
      return {
        kind: OperationKind.CLEAR,
        flags:
          (operation.low === undefined ? 0 : CLEAR_HAS_LOW) |
          (operation.high === undefined ? 0 : CLEAR_HAS_HIGH),
        key: operation.low ?? NO_BYTES,
        value: operation.high ?? NO_BYTES,
      };
  }
}

/** A payload with something else before the operations: they need not begin at 0. */
export interface TestPayload {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly start: number;
  readonly end: number;
  readonly operationCount: number;
  readonly clearCount: number;
}

const PAYLOAD_START = 8;

export function payloadOf(operations: readonly TestOperation[]): TestPayload {
  let end = PAYLOAD_START;
  for (const operation of operations) {
    const { key, value } = encode(operation);
    end += operationBytes(key.length, value.length);
  }
  const bytes = Buffer.from(new ArrayBuffer(end + 4)).fill(0xee);
  const words = new Int32Array(bytes.buffer);
  let at = PAYLOAD_START;
  for (const operation of operations) {
    const { kind, flags, key, value } = encode(operation);
    const { family } = operation;
    writeOperationHeader(words, at >> 2, kind, flags, family, key.length, value.length);
    bytes.set(value, operationValueOffset(at));
    bytes.set(key, operationKeyOffset(at, value.length));
    at += operationBytes(key.length, value.length);
  }
  const clearCount = operations.filter(({ kind }) => kind === 'clear').length;
  const operationCount = operations.length;
  return { bytes, words, start: PAYLOAD_START, end, operationCount, clearCount };
}

/** Slot that tests give to a family. */
export function slotOfFamily(familyId: number): number {
  return familyId * 3 + 1;
}

/** False, and nothing added, when the buffer says that it has no room. */
export function addPayload(buffer: WriteBuffer, payload: TestPayload, sequence: number): boolean {
  const { start, end } = payload;
  if (!buffer.hasRoom(end - start, payload.operationCount, payload.clearCount)) return false;
  buffer.add(payload.bytes, payload.words, start, end, sequence, slotOfFamily);
  return true;
}

export function addOperations(
  buffer: WriteBuffer,
  operations: readonly TestOperation[],
  sequence: number,
): boolean {
  return addPayload(buffer, payloadOf(operations), sequence);
}
