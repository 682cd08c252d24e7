import { describe, expect, it } from 'vitest';
import { KEY_BYTES_MAX, MIB } from '../limits.js';
import { seededRandom, utf8 } from '../tree/testing/history.js';
import { BufferCursor } from './buffer-cursor.js';
import { TestBuffer, below, keyMakers } from './testing/history.js';
import { type OracleEntry, textOf } from './testing/oracle.js';
import type { WriteBuffer } from './write-buffer.js';

const FAMILIES = [10, 11];

/** The current entry as text. */
function shown(cursor: BufferCursor, buffer: WriteBuffer): string {
  const { keyOffset, keyBytes, valueOffset, valueBytes } = cursor;
  const key = buffer.bytes.toString('latin1', keyOffset, keyOffset + keyBytes);
  if (cursor.isDeleted) return `${key} deleted`;
  return `${key} = ${buffer.bytes.toString('hex', valueOffset, valueOffset + valueBytes)}`;
}

function wanted({ key, known }: OracleEntry): string {
  if (typeof known === 'string') return `${textOf(key)} ${known}`;
  return `${textOf(key)} = ${Buffer.from(known).toString('hex')}`;
}

function walk(
  cursor: BufferCursor,
  buffer: WriteBuffer,
  isThere: boolean,
  move: 'next' | 'prev',
): string[] {
  const all: string[] = [];
  for (let there = isThere; there; there = cursor[move]()) all.push(shown(cursor, buffer));
  expect(cursor[move]()).toBe(false);
  return all;
}

function expectWalks(test: TestBuffer, family: number, sequence: number): OracleEntry[] {
  const { buffer } = test;
  const entries = test.oracle.entries(family, sequence);
  const texts = entries.map(wanted);
  const cursor = new BufferCursor();
  cursor.reset(buffer, family, sequence);
  expect(walk(cursor, buffer, cursor.seekFirst(), 'next')).toEqual(texts);
  expect(walk(cursor, buffer, cursor.seekLast(), 'prev')).toEqual(texts.toReversed());
  return entries;
}

function expectSeeks(
  test: TestBuffer,
  family: number,
  sequence: number,
  entries: readonly OracleEntry[],
  key: Uint8Array,
): void {
  const { buffer } = test;
  const cursor = new BufferCursor();
  cursor.reset(buffer, family, sequence);
  for (const isInclusive of [true, false]) {
    const isAbove = (entry: OracleEntry) => {
      return Buffer.compare(entry.key, key) >= (isInclusive ? 0 : 1);
    };
    const isBelow = (entry: OracleEntry) => {
      return Buffer.compare(entry.key, key) <= (isInclusive ? 0 : -1);
    };
    const first = entries.find(isAbove);
    const last = entries.findLast(isBelow);
    // What stands behind the key counts for nothing.
    const longer = Buffer.concat([key, utf8('behind')]);
    const isForward = cursor.seekForward(longer, key.length, isInclusive);
    expect(isForward ? shown(cursor, buffer) : undefined).toBe(first && wanted(first));
    if (isForward) {
      const before = entries[entries.indexOf(first!) - 1];
      expect(cursor.prev() ? shown(cursor, buffer) : undefined).toBe(before && wanted(before));
    }
    const isBackward = cursor.seekBackward(longer, key.length, isInclusive);
    expect(isBackward ? shown(cursor, buffer) : undefined).toBe(last && wanted(last));
    if (isBackward) {
      const behind = entries[entries.indexOf(last!) + 1];
      expect(cursor.next() ? shown(cursor, buffer) : undefined).toBe(behind && wanted(behind));
    }
  }
}

describe.each(Object.keys(keyMakers))('a cursor over %s', (name) => {
  it.each([1, 2, 3])('shows each sequence in both directions, seed %i', (seed) => {
    const random = seededRandom(seed * 991 + name.length);
    const test = new TestBuffer(2 * MIB, random);
    test.run({
      makeKey: keyMakers[name],
      families: 2,
      commits: 40,
      operationsMax: 25,
      clearsMax: seed === 1 ? 0 : 12,
      firstSequence: seed === 3 ? 2 ** 31 - 15 : 1,
    });
    const sequences = [...new Set(test.sequences)];
    const picked = sequences.filter((_, index) => index % 7 === 0);
    for (const sequence of [sequences[0] - 1, ...picked, sequences.at(-1)!, 2 ** 50]) {
      for (const family of FAMILIES) {
        const entries = expectWalks(test, family, sequence);
        for (let i = 0; i < 12; i++) {
          const known = entries[below(random, entries.length)];
          const key =
            random() < 0.5 && known ? known.key : keyMakers[name](random, below(random, 900));
          expectSeeks(test, family, sequence, entries, key);
        }
        for (const key of [new Uint8Array(0), new Uint8Array(KEY_BYTES_MAX).fill(255)]) {
          expectSeeks(test, family, sequence, entries, key);
        }
      }
    }
  });
});

describe('a cursor', () => {
  it('finds nothing in a family that the buffer does not know, or that has no keys', () => {
    const test = new TestBuffer(MIB, seededRandom(1));
    const cursor = new BufferCursor();
    expect(cursor.next()).toBe(false);
    cursor.reset(test.buffer, 10, 5);
    expect(cursor.seekFirst()).toBe(false);
    expect(cursor.seekBackward(utf8('a'), 1, true)).toBe(false);
    expect(cursor.next()).toBe(false);
  });

  it('takes in with a seek what was written since the last one', () => {
    const random = seededRandom(3);
    const test = new TestBuffer(2 * MIB, random);
    const cursor = new BufferCursor();
    cursor.reset(test.buffer, 10, 1e9);
    for (let round = 0; round < 8; round++) {
      test.run({
        makeKey: keyMakers['random numbers'],
        families: 1,
        commits: 3,
        operationsMax: 60,
        clearsMax: 8,
        firstSequence: 1 + round * 10,
      });
      const texts = test.oracle.entries(10, 1e9).map(wanted);
      expect(walk(cursor, test.buffer, cursor.seekFirst(), 'next')).toEqual(texts);
    }
  });
});
