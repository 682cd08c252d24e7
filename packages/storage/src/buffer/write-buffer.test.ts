import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUFFER_DATA_USED, BUFFER_HASHED, hashSlotCount } from '../layout/write-buffer.js';
import { KIB, MIB, WRITE_BUFFER_TOMBSTONES_MAX } from '../limits.js';
import { seededRandom, utf8 } from '../tree/testing/history.js';
import { hashKey } from './keys.js';
import { checkBuffer } from './testing/check-index.js';
import { TestBuffer, below, keyMakers } from './testing/history.js';
import {
  type TestOperation,
  addOperations,
  payloadOf,
  slotOfFamily,
} from './testing/operations.js';
import { type BufferOracle, type KnownValue, textOf } from './testing/oracle.js';
import { BufferFind, BufferHit, WriteBuffer } from './write-buffer.js';

const hit = new BufferHit();

function lookUp(buffer: WriteBuffer, family: number, key: Uint8Array, sequence: number) {
  const hash = hashKey(family, key, 0, key.length);
  const found = buffer.find(family, key, key.length, hash, sequence, hit);
  if (found === BufferFind.NOT_HERE) return 'nothing';
  if (found === BufferFind.DELETED) return 'deleted';
  const value = buffer.bytes.subarray(hit.valueOffset, hit.valueOffset + hit.valueBytes);
  return Uint8Array.from(value);
}

function isSame(a: KnownValue, b: KnownValue): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return Buffer.compare(a, b) === 0;
}

function expectFind(
  buffer: WriteBuffer,
  oracle: BufferOracle,
  family: number,
  key: Uint8Array,
  sequence: number,
): void {
  const found = lookUp(buffer, family, key, sequence);
  const known = oracle.find(family, key, sequence);
  if (isSame(found, known)) return;
  expect.fail(`family ${family}, key ${textOf(key)} at ${sequence}: ${found}, not ${known}`);
}

function expectSame(test: TestBuffer, families: readonly number[], random: () => number): void {
  const { buffer, oracle, sequences } = test;
  for (const family of families) {
    const keys = oracle.keysOf(family);
    for (const key of keys) {
      const sequence = sequences[below(random, sequences.length)];
      for (const at of [sequence - 1, sequence, sequences.at(-1)! + 1]) {
        expectFind(buffer, oracle, family, key, at);
      }
      expectFind(buffer, oracle, family, Buffer.concat([key, utf8('\0')]), sequence);
      expectFind(buffer, oracle, family + 1, key, sequence);
    }
  }
}

describe.each(Object.keys(keyMakers))('histories of %s', (name) => {
  it.each([1, 2, 3])('are found at every sequence, seed %i', (seed) => {
    const random = seededRandom(seed * 77 + name.length);
    const test = new TestBuffer(2 * MIB, random);
    test.run({
      makeKey: keyMakers[name],
      families: 3,
      commits: 60,
      operationsMax: 20,
      clearsMax: seed === 1 ? 0 : 20,
      firstSequence: seed === 3 ? 2 ** 32 - 20 : 1,
    });
    checkBuffer(test.buffer);
    expect(test.buffer.firstSequence).toBe(test.sequences[0]);
    expect(test.buffer.lastSequence).toBe(test.sequences.at(-1));
    expect(test.buffer.commitCount).toBe(new Set(test.sequences).size);
    expectSame(test, [10, 11, 12], random);
  });

  it('keep the index whole while it grows over several levels', () => {
    const random = seededRandom(name.length);
    const test = new TestBuffer(16 * MIB, random);
    test.run({
      makeKey: keyMakers[name],
      families: 1,
      commits: 300,
      operationsMax: 120,
      clearsMax: 0,
      firstSequence: 1,
    });
    checkBuffer(test.buffer);
  });
});

describe('any operations', () => {
  const key = fc.uint8Array({ maxLength: 3, max: 2 });
  const bound = fc.option(key, { nil: undefined });
  const family = fc.integer({ min: 0, max: 1 });
  const operation = fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      family,
      key,
      value: fc.uint8Array({ maxLength: 5 }),
    }),
    fc.record({ kind: fc.constant('delete' as const), family, key }),
    fc.record({ kind: fc.constant('clear' as const), family, low: bound, high: bound }),
  );

  it('are found as if applied one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.array(operation, { maxLength: 6 }), { maxLength: 8 }), (commits) => {
        const test = new TestBuffer(64 * KIB, () => 0);
        const { buffer, oracle } = test;
        for (const [index, operations] of commits.entries()) {
          // Every second commit comes in the sequence of the one before.
          const sequence = 5 + (index >> 1);
          expect(addOperations(buffer, operations, sequence)).toBe(true);
          oracle.add(operations, sequence);
        }
        for (const owner of [0, 1]) {
          for (const each of oracle.keysOf(owner)) {
            for (let at = 4; at <= 9; at++) expectFind(buffer, oracle, owner, each, at);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

function put(family: number, key: string, value: string): TestOperation {
  return { kind: 'put', family, key: utf8(key), value: utf8(value) };
}

describe('a write buffer', () => {
  it('is empty in a block of zeroes', () => {
    const buffer = new WriteBuffer(new ArrayBuffer(64 * KIB));
    expect(buffer.isEmpty).toBe(true);
    expect(buffer.firstSequence).toBe(0);
    expect(buffer.lastSequence).toBe(0);
    expect(buffer.usedBytes).toBe(0);
    expect(buffer.hasFamily(1)).toBe(false);
    expect(lookUp(buffer, 1, utf8(''), 9)).toBe('nothing');
  });

  it('gives any other attached object the same answers, also ones attached before', () => {
    const memory = new SharedArrayBuffer(MIB);
    const early = new WriteBuffer(memory);
    expect(early.hasFamily(1)).toBe(false);
    const writer = new WriteBuffer(memory);
    addOperations(writer, [put(1, 'a', 'one'), put(2, 'a', 'two')], 7);
    const late = new WriteBuffer(memory);
    for (const reader of [early, late]) {
      expect(reader.hasFamily(1)).toBe(true);
      expect(reader.hasFamily(3)).toBe(false);
      expect(lookUp(reader, 2, utf8('a'), 7)).toEqual(Uint8Array.from(utf8('two')));
      expect(reader.lastSequence).toBe(7);
    }
    writer.reset();
    addOperations(writer, [put(3, 'a', 'three')], 8);
    for (const reader of [early, late]) {
      expect(reader.hasFamily(1)).toBe(false);
      expect(reader.hasFamily(3)).toBe(true);
      expect(lookUp(reader, 2, utf8('a'), 9)).toBe('nothing');
      expect(reader.firstSequence).toBe(8);
    }
  });

  it('forgets everything when it is reset, and serves again', () => {
    const random = seededRandom(5);
    const memory = new TestBuffer(MIB, random);
    for (const makeKey of [keyMakers['long keys'], keyMakers['ascending']]) {
      memory.buffer.reset();
      expect(memory.buffer.isEmpty).toBe(true);
      expect(memory.buffer.usedBytes).toBe(0);
      memory.oracle.history.length = 0;
      memory.sequences.length = 0;
      const options = { families: 2, commits: 40, operationsMax: 30, clearsMax: 4 };
      memory.run({ ...options, makeKey, firstSequence: 100 });
      checkBuffer(memory.buffer);
      expectSame(memory, [10, 11], random);
    }
  });

  it('asks for the slot of a family once, and knows families that only exist', () => {
    const buffer = new WriteBuffer(new ArrayBuffer(MIB));
    const asked: number[] = [];
    for (const sequence of [1, 2]) {
      const { bytes, words, start, end } = payloadOf([
        put(4, 'a', ''),
        { kind: 'create', family: 5 },
        put(4, 'b', ''),
      ]);
      buffer.add(bytes, words, start, end, sequence, (familyId) => {
        asked.push(familyId);
        return slotOfFamily(familyId);
      });
    }
    expect(asked).toEqual([4, 5]);
    expect(buffer.hasFamily(5)).toBe(true);
  });

  it('tells keys and families apart that meet in the hash table', () => {
    const block = new ArrayBuffer(64 * KIB);
    const buffer = new WriteBuffer(block);
    const short = utf8('key');
    const bits = (hash: number) => hash & (0xfe000000 | (hashSlotCount(block.byteLength) - 1));
    const wanted = bits(hashKey(1, short, 0, short.length));
    const longer = (number: number) => utf8(`key${number}`);
    let number = 0;
    while (bits(hashKey(1, longer(number), 0, longer(number).length)) !== wanted) number += 1;
    let family = 2;
    while (bits(hashKey(family, short, 0, short.length)) !== wanted) family += 1;
    addOperations(buffer, [put(1, `key${number}`, 'longer'), put(family, 'key', 'other')], 1);
    expect(lookUp(buffer, 1, short, 1)).toBe('nothing');
    addOperations(buffer, [put(1, 'key', 'short')], 2);
    expect(lookUp(buffer, 1, short, 2)).toEqual(Uint8Array.from(utf8('short')));
    expect(lookUp(buffer, family, short, 2)).toEqual(Uint8Array.from(utf8('other')));
    expect(lookUp(buffer, 1, longer(number), 2)).toEqual(Uint8Array.from(utf8('longer')));
    checkBuffer(buffer);
  });

  it('finds keys that the hash table does not know yet', () => {
    const buffer = new WriteBuffer(new ArrayBuffer(MIB));
    const keys = Array.from({ length: 1000 }, (_, i) => `key ${(i * 379) % 1000}`);
    const operations = keys.map((key) => put(1, key, `value of ${key}`));
    addOperations(buffer, operations, 1);
    const last = keys.at(-1)!;
    let lookUps = 0;
    while (buffer.words[BUFFER_HASHED] < buffer.words[BUFFER_DATA_USED]) {
      expect(lookUp(buffer, 1, utf8(last), 1)).toEqual(Uint8Array.from(utf8(`value of ${last}`)));
      expect(lookUp(buffer, 1, utf8('missing'), 1)).toBe('nothing');
      expect(lookUp(buffer, 2, utf8(last), 1)).toBe('nothing');
      lookUps++;
    }
    expect(lookUps).toBeGreaterThan(1);
    addOperations(buffer, [put(1, last, 'newer'), put(3, last, 'elsewhere')], 2);
    for (const key of keys.slice(0, -1)) {
      expect(lookUp(buffer, 1, utf8(key), 2)).toEqual(Uint8Array.from(utf8(`value of ${key}`)));
    }
    expect(lookUp(buffer, 1, utf8(last), 2)).toEqual(Uint8Array.from(utf8('newer')));
    expect(lookUp(buffer, 1, utf8(last), 1)).toEqual(Uint8Array.from(utf8(`value of ${last}`)));
    expect(lookUp(buffer, 3, utf8(last), 2)).toEqual(Uint8Array.from(utf8('elsewhere')));
    checkBuffer(buffer);
  });

  it('refuses sequences that fall', () => {
    const buffer = new WriteBuffer(new ArrayBuffer(MIB));
    addOperations(buffer, [put(1, 'a', '')], 5);
    expect(() => addOperations(buffer, [put(1, 'a', '')], 4)).toThrow(/sequences do not fall/);
  });

  it('copies the bounds of its tombstones, in order, open sides included', () => {
    const buffer = new WriteBuffer(new SharedArrayBuffer(MIB));
    const clear = (family: number, low?: string, high?: string): TestOperation => {
      const bounds = [low, high].map((text) => (text === undefined ? undefined : utf8(text)));
      return { kind: 'clear', family, low: bounds[0], high: bounds[1] };
    };
    addOperations(buffer, [clear(1, 'b', 'c'), clear(2), clear(1, '', 'x')], 3);
    addOperations(buffer, [clear(1, undefined, 'later')], 4);
    addOperations(buffer, [clear(1, 'last')], 5);
    const ranges = buffer.tombstones(1, 2, 4).map(({ low, high }) => {
      return [low, high].map((side) => (side === undefined ? undefined : textOf(side)));
    });
    expect(ranges).toEqual([
      ['b', 'c'],
      ['', 'x'],
      [undefined, 'later'],
    ]);
    expect(buffer.tombstones(1, 4, 5)).toHaveLength(1);
    expect(buffer.tombstones(3, 0, 9)).toEqual([]);
    const [copy] = buffer.tombstones(1, 2, 3);
    expect(copy.low?.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('has room for so many tombstones only', () => {
    const buffer = new WriteBuffer(new ArrayBuffer(64 * KIB));
    const clear: TestOperation = { kind: 'clear', family: 1, low: undefined, high: undefined };
    for (let i = 1; i <= WRITE_BUFFER_TOMBSTONES_MAX; i++) {
      expect(addOperations(buffer, [clear], i)).toBe(true);
    }
    expect(buffer.hasRoom(12, 1, 1)).toBe(false);
    expect(buffer.hasRoom(12, 1, 0)).toBe(true);
    expect(WriteBuffer.fits(64 * KIB, 800, 64, 64)).toBe(true);
    expect(WriteBuffer.fits(64 * KIB, 800, 65, 65)).toBe(false);
  });
});
