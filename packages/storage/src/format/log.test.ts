import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum } from '../checksum.js';
import { ManifoldError } from '../errors.js';
import { WAL_RECORD_BYTES_MAX } from '../limits.js';
import {
  BLOCK_HEADER_BYTES,
  BlockKind,
  BlockProblem,
  EndReason,
  blockSeed,
  newBlockHeader,
  readBlockHeader,
  writeBlockHeader,
  type BlockHeader,
} from './block.js';
import { readU64, toHex, writeU64 } from './bytes.js';
import { crcWord } from './crc-words.js';
import {
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  OPERATION_HEADER_BYTES,
  OperationCursor,
  OperationKind,
  operationBytes,
  operationKeyOffset,
  operationValueOffset,
  writeOperationHeader,
} from './operation.js';
import {
  RECORD_HEADER_BYTES,
  RECORD_PAYLOAD_BYTES_MAX,
  RecordKind,
  isRecordHeaderIntact,
  readRecordBytes,
  readRecordKind,
  readRecordOpCount,
  readRecordPayloadBytes,
  readRecordSequence,
  recordBytesFor,
  recordProblem,
  writeRecordHeader,
} from './record.js';
import {
  SEGMENT_HEADER_BYTES,
  decodeSegmentHeader,
  encodeSegmentHeader,
  parseSegmentFileName,
  segmentFileName,
} from './segment.js';

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof ManifoldError) return error.code;
    throw error;
  }
  return undefined;
}

describe('integers', () => {
  it('of 64 bits round-trip up to the largest safe one', () => {
    const bytes = new Uint8Array(9);
    for (const value of [
      0,
      1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 48 + 3,
      Number.MAX_SAFE_INTEGER,
    ]) {
      writeU64(bytes, 1, value);
      expect(readU64(bytes, 1)).toBe(value);
      expect(new DataView(bytes.buffer).getBigUint64(1, true)).toBe(BigInt(value));
    }
  });

  it('have the same checksum word by word', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1, maxLength: 20 }),
        fc.nat(),
        (words, seed) => {
          let crc = ~seed;
          for (const word of words) crc = crcWord(crc, word);
          expect(~crc >>> 0).toBe(checksum(new Uint8Array(Int32Array.from(words).buffer), seed));
        },
      ),
    );
  });
});

describe('segment header', () => {
  const header = {
    segmentBytes: 16 << 20,
    salt: 0xdeadbeef,
    segmentNumber: 5_000_000_001,
    databaseId: Uint8Array.from({ length: 16 }, (_, index) => index + 1),
  };

  it('keeps its bytes', () => {
    expect(toHex(encodeSegmentHeader(header))).toBe(
      [
        '4d4e464457414c31010000000000000000000001efbeadde01f2052a01000000',
        '0102030405060708090a0b0c0d0e0f10b1da790d000000000000000000000000',
      ].join(''),
    );
    expect(decodeSegmentHeader(encodeSegmentHeader(header), 'x')).toEqual({
      state: 'valid',
      header,
    });
  });

  it('is zero, damaged, or of another format', () => {
    expect(decodeSegmentHeader(new Uint8Array(SEGMENT_HEADER_BYTES), 'x')).toEqual({
      state: 'zero',
    });
    expect(decodeSegmentHeader(new Uint8Array(10), 'x').state).toBe('damaged');
    const bytes = encodeSegmentHeader(header);
    bytes[8] = 2;
    expect(codeOf(() => decodeSegmentHeader(bytes, 'x'))).toBe('ERR_MANIFOLD_FORMAT');
  });

  it('notices every flipped bit', () => {
    const whole = encodeSegmentHeader(header);
    for (let bit = 0; bit < 52 * 8; bit += 1) {
      const bytes = whole.slice();
      bytes[bit >>> 3] ^= 1 << (bit & 7);
      let state: string | undefined;
      const code = codeOf(() => {
        state = decodeSegmentHeader(bytes, 'x').state;
      });
      expect(code === 'ERR_MANIFOLD_FORMAT' || state === 'damaged').toBe(true);
    }
  });

  it('has a file name', () => {
    expect(segmentFileName(12)).toBe('wal-0000000012.log');
    expect(parseSegmentFileName('wal-0000000012.log')).toBe(12);
    for (const name of [
      'wal-12.log',
      'wal-0000000012.log~',
      'data.manifold',
      'xwal-0000000012.log',
    ]) {
      expect(parseSegmentFileName(name)).toBeUndefined();
    }
    expect(() => segmentFileName(1e10)).toThrow(RangeError);
  });
});

describe('block header', () => {
  const data: BlockHeader = {
    kind: BlockKind.DATA,
    endReason: EndReason.ROLLED,
    payloadBytes: 4096,
    recordCount: 3,
    firstSequence: 2 ** 40 + 7,
    lastSequence: 2 ** 40 + 9,
    syncedWatermark: 2 ** 40 + 6,
    timestampMs: 1_700_000_000_000,
    payloadCrc: 0xcafebabe,
  };

  function encode(header: BlockHeader, seed: number): Uint8Array {
    const bytes = new Uint8Array(BLOCK_HEADER_BYTES + 8);
    writeBlockHeader(bytes, 8, header, seed);
    return bytes;
  }

  it('keeps its bytes', () => {
    expect(blockSeed(0xdeadbeef, 64)).toBe(1379443635);
    expect(toHex(encode(data, 0x1234).subarray(8))).toBe(
      [
        '4d424c4b01000000001000000300000007000000000100000900000000010000',
        '06000000000100000068e5cf8b010000bebafeca0000000000000000c5b98888',
      ].join(''),
    );
    const decoded = newBlockHeader();
    expect(readBlockHeader(encode(data, 0x1234), 8, 0x1234, decoded)).toBeUndefined();
    expect(decoded).toEqual(data);
  });

  it('fits no other segment and no other place', () => {
    const seeds = new Set<number>();
    for (let salt = 0; salt < 8; salt += 1) {
      for (let offset = 64; offset < 64 + 8 * 4096; offset += 8) seeds.add(blockSeed(salt, offset));
    }
    expect(seeds.size).toBe(8 * 4096);
    const decoded = newBlockHeader();
    const bytes = encode(data, blockSeed(5, 64));
    expect(readBlockHeader(bytes, 8, blockSeed(6, 64), decoded)).toBe(BlockProblem.CHECKSUM);
    expect(readBlockHeader(bytes, 8, blockSeed(5, 72), decoded)).toBe(BlockProblem.CHECKSUM);
  });

  it('tells what it is not', () => {
    const decoded = newBlockHeader();
    expect(readBlockHeader(new Uint8Array(64), 0, 1, decoded)).toBe(BlockProblem.ZERO);
    expect(readBlockHeader(new Uint8Array(64).fill(1), 0, 1, decoded)).toBe(BlockProblem.MAGIC);
    expect(readBlockHeader(new Uint8Array(64), 8, 1, decoded)).toBe(BlockProblem.TOO_SHORT);
    for (const change of [
      { kind: 4 as BlockKind },
      { recordCount: 0 },
      { kind: BlockKind.WATERMARK },
      { endReason: EndReason.CUT },
      { firstSequence: 2 ** 41 },
    ]) {
      const bytes = encode({ ...data, ...change }, 1);
      expect(readBlockHeader(bytes, 8, 1, decoded)).toBe(BlockProblem.IMPOSSIBLE);
    }
  });

  it('notices every flipped bit', () => {
    const bytes = encode(data, 1);
    const decoded = newBlockHeader();
    for (let bit = 64; bit < bytes.length * 8; bit += 1) {
      bytes[bit >>> 3] ^= 1 << (bit & 7);
      expect(readBlockHeader(bytes, 8, 1, decoded)).toBeDefined();
      bytes[bit >>> 3] ^= 1 << (bit & 7);
    }
  });
});

describe('record header', () => {
  it('keeps its bytes', () => {
    const words = new Int32Array(16).fill(-1);
    writeRecordHeader(words, 2, 12, RecordKind.FIRST, 3, 2 ** 40 + 7);
    const bytes = new Uint8Array(words.buffer);
    expect(toHex(bytes.subarray(8, 8 + RECORD_HEADER_BYTES))).toBe(
      '300000000c00000001000000030000000700000000010000c356bb2300000000',
    );
    expect(toHex(bytes.subarray(48))).toBe('ffffffff00000000ffffffffffffffff');
    expect(readRecordBytes(bytes, 8)).toBe(48);
    expect(readRecordPayloadBytes(bytes, 8)).toBe(12);
    expect(readRecordKind(bytes, 8)).toBe(RecordKind.FIRST);
    expect(readRecordOpCount(bytes, 8)).toBe(3);
    expect(readRecordSequence(bytes, 8)).toBe(2 ** 40 + 7);
    expect(isRecordHeaderIntact(bytes, 8)).toBe(true);
    expect(recordProblem(bytes, 8, 56)).toBeUndefined();
    expect(recordProblem(bytes, 8, 55)).toContain('crosses');
    bytes[20] ^= 1;
    expect(isRecordHeaderIntact(bytes, 8)).toBe(false);
  });

  it('has room for the largest fragment, and no more', () => {
    expect(recordBytesFor(RECORD_PAYLOAD_BYTES_MAX)).toBe(WAL_RECORD_BYTES_MAX);
    expect([0, 1, 8, 9].map(recordBytesFor)).toEqual([32, 40, 40, 48]);
    const words = new Int32Array(16);
    writeRecordHeader(words, 0, RECORD_PAYLOAD_BYTES_MAX + 8, RecordKind.WHOLE, 1, 1);
    const end = 2 * WAL_RECORD_BYTES_MAX;
    expect(recordProblem(new Uint8Array(words.buffer), 0, end)).toBeDefined();
  });

  it('with a length that cannot be is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 200 }), (bytes) => {
        const problem = recordProblem(bytes, 0, bytes.length);
        if (problem !== undefined) return;
        const recordBytes = readRecordBytes(bytes, 0);
        expect(recordBytes).toBeLessThanOrEqual(bytes.length);
        expect(recordBytesFor(readRecordPayloadBytes(bytes, 0))).toBe(recordBytes);
      }),
    );
  });
});

interface PlainOperation {
  kind: OperationKind;
  flags: number;
  family: number;
  key: Uint8Array;
  value: Uint8Array;
}

function encodeOperations(operations: readonly PlainOperation[]): Uint8Array {
  let total = 0;
  for (const { key, value } of operations) total += operationBytes(key.length, value.length);
  const words = new Int32Array(total / 4).fill(-1);
  const bytes = new Uint8Array(words.buffer);
  let offset = 0;
  for (const { kind, flags, family, key, value } of operations) {
    writeOperationHeader(words, offset / 4, kind, flags, family, key.length, value.length);
    bytes.set(value, operationValueOffset(offset));
    bytes.set(key, operationKeyOffset(offset, value.length));
    offset += operationBytes(key.length, value.length);
  }
  return bytes;
}

function decodeOperations(bytes: Uint8Array): PlainOperation[] {
  const cursor = new OperationCursor();
  cursor.reset(bytes, 0, bytes.length, 'test');
  const operations: PlainOperation[] = [];
  while (cursor.next()) {
    expect(cursor.position).toBeLessThanOrEqual(bytes.length);
    operations.push({
      kind: cursor.kind as OperationKind,
      flags: cursor.flags,
      family: cursor.columnFamilyId,
      key: bytes.slice(cursor.keyOffset, cursor.keyOffset + cursor.keyBytes),
      value: bytes.slice(cursor.valueOffset, cursor.valueOffset + cursor.valueBytes),
    });
  }
  return operations;
}

const none = new Uint8Array(0);
const someBytes = fc.uint8Array({ maxLength: 40 });
const family = fc.nat(0x7fff_ffff);
const anyOperation: fc.Arbitrary<PlainOperation> = fc.oneof(
  fc.record({
    kind: fc.constant(OperationKind.PUT),
    flags: fc.constant(0),
    family,
    key: someBytes,
    value: someBytes,
  }),
  fc.record({
    kind: fc.constant(OperationKind.DELETE),
    flags: fc.constant(0),
    family,
    key: someBytes,
    value: fc.constant(none),
  }),
  fc.record({
    kind: fc.constant(OperationKind.CREATE_FAMILY),
    flags: fc.constant(0),
    family,
    key: someBytes,
    value: fc.constant(none),
  }),
  fc.record({
    kind: fc.constant(OperationKind.CLEAR),
    flags: fc.constant(CLEAR_HAS_LOW | CLEAR_HAS_HIGH),
    family,
    key: someBytes,
    value: someBytes,
  }),
  fc.record({
    kind: fc.constant(OperationKind.DROP_FAMILY),
    flags: fc.constant(0),
    family,
    key: fc.constant(none),
    value: fc.constant(none),
  }),
);

describe('operations', () => {
  it('keep their bytes', () => {
    const bytes = encodeOperations([
      {
        kind: OperationKind.PUT,
        flags: 0,
        family: 7,
        key: Buffer.from('key'),
        value: Buffer.from('value'),
      },
      {
        kind: OperationKind.CLEAR,
        flags: CLEAR_HAS_LOW,
        family: 258,
        key: Buffer.from('abcd'),
        value: none,
      },
      { kind: OperationKind.DROP_FAMILY, flags: 0, family: 9, key: none, value: none },
    ]);
    expect(toHex(bytes)).toBe(
      '010003000700000005000000' +
        '76616c7565000000' +
        '6b657900' +
        '050104000201000000000000' +
        '61626364' +
        '040000000900000000000000',
    );
  });

  it('round-trip', () => {
    fc.assert(
      fc.property(fc.array(anyOperation, { maxLength: 12 }), (operations) => {
        expect(decodeOperations(encodeOperations(operations))).toEqual(operations);
      }),
    );
  });

  it('in random bytes end in an error, never outside', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(5), (bytes, kind) => {
        if (bytes.length > 8) {
          bytes[0] = kind;
          bytes[1] = 0;
          bytes[3] = 0;
          bytes.fill(0, 9, 12);
        }
        const code = codeOf(() => decodeOperations(bytes));
        expect([undefined, 'ERR_MANIFOLD_CORRUPT']).toContain(code);
      }),
    );
  });

  it('cut anywhere inside end in an error', () => {
    const bytes = encodeOperations([
      {
        kind: OperationKind.PUT,
        flags: 0,
        family: 7,
        key: Buffer.from('key'),
        value: Buffer.from('value'),
      },
    ]);
    for (let end = 1; end < bytes.length; end += 1) {
      expect(codeOf(() => decodeOperations(bytes.subarray(0, end)))).toBe('ERR_MANIFOLD_CORRUPT');
    }
    expect(bytes.length).toBe(OPERATION_HEADER_BYTES + 8 + 4);
  });
});
