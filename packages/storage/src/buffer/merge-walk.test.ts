import { describe, expect, it } from 'vitest';
import { MIB } from '../limits.js';
import { seededRandom, utf8 } from '../tree/testing/history.js';
import { BufferMergeWalk } from './merge-walk.js';
import { TestBuffer, below, keyMakers } from './testing/history.js';
import { type TestOperation, addOperations, slotOfFamily } from './testing/operations.js';
import { type Trees, textOf } from './testing/oracle.js';
import type { WriteBuffer } from './write-buffer.js';

/** What an apply worker does with a window. Returns the families that it was shown. */
function merge(trees: Trees, buffer: WriteBuffer, above: number, upTo: number): Set<number> {
  const families = new Set<number>();
  const walk = new BufferMergeWalk();
  walk.reset(buffer, above, upTo);
  while (walk.nextFamily()) {
    const { familyId, tombstones } = walk;
    expect(families.has(familyId)).toBe(false);
    expect(walk.slot).toBe(slotOfFamily(familyId));
    families.add(familyId);
    if (walk.isDropped) {
      expect(tombstones).toEqual([]);
      expect(walk.nextEntry()).toBe(false);
      trees.delete(familyId);
      continue;
    }
    const tree = trees.get(familyId) ?? new Map<string, Uint8Array>();
    trees.set(familyId, tree);
    for (const text of tree.keys()) {
      const key = Buffer.from(text, 'latin1');
      const isRemoved = tombstones.some(({ low, high }) => {
        if (low !== undefined && Buffer.compare(key, low) < 0) return false;
        return high === undefined || Buffer.compare(key, high) < 0;
      });
      if (isRemoved) tree.delete(text);
    }
    let before: Uint8Array | undefined;
    while (walk.nextEntry()) {
      const { keyOffset, keyBytes, valueOffset, valueBytes } = walk;
      const key = buffer.bytes.subarray(keyOffset, keyOffset + keyBytes);
      if (before !== undefined) expect(Buffer.compare(before, key)).toBe(-1);
      before = key;
      if (walk.isDelete) tree.delete(textOf(key));
      else tree.set(textOf(key), buffer.bytes.subarray(valueOffset, valueOffset + valueBytes));
    }
    expect(walk.nextEntry()).toBe(false);
  }
  expect(walk.nextFamily()).toBe(false);
  return families;
}

function contentOf(trees: Trees): string[] {
  const lines: string[] = [];
  for (const [family, tree] of trees) {
    for (const [key, value] of tree) lines.push(`${family} ${key} ${textOf(value)}`);
  }
  return lines.sort();
}

/** A tree that older generations left behind: some of the keys to come stand in it. */
function older(test: TestBuffer, random: () => number): Trees {
  const trees: Trees = new Map();
  for (const family of [10, 11, 12]) {
    const tree = new Map<string, Uint8Array>();
    trees.set(family, tree);
    for (const key of test.oracle.keysOf(family)) {
      if (random() < 0.5) tree.set(textOf(key), utf8('old'));
      if (random() < 0.2) tree.set(`${textOf(key)}!`, utf8('old'));
    }
  }
  return trees;
}

function copyOf(trees: Trees): Trees {
  return new Map([...trees].map(([family, tree]) => [family, new Map(tree)]));
}

describe.each(Object.keys(keyMakers))('merging %s', (name) => {
  it.each([1, 2, 3])('in windows does what the operations do one by one, seed %i', (seed) => {
    const random = seededRandom(seed * 313 + name.length);
    const test = new TestBuffer(2 * MIB, random);
    test.run({
      makeKey: keyMakers[name],
      families: 3,
      commits: 60,
      operationsMax: 25,
      clearsMax: seed === 1 ? 0 : 30,
      firstSequence: seed === 3 ? 2 ** 32 - 20 : 1,
    });
    const first = test.buffer.firstSequence;
    const last = test.buffer.lastSequence;
    for (let round = 0; round < 8; round++) {
      const merged = older(test, random);
      const applied = copyOf(merged);
      for (let above = first - 1; above < last;) {
        // The first round takes everything in one window.
        const upTo = round === 0 ? last : Math.min(last, above + 1 + below(random, 20));
        const families = merge(merged, test.buffer, above, upTo);
        test.oracle.apply(applied, above, upTo);
        expect(contentOf(merged)).toEqual(contentOf(applied));
        // A family whose operations cancelled each other out may be missing; no other may appear.
        const named = test.oracle.familiesIn(above, upTo);
        for (const family of families) expect(named.has(family)).toBe(true);
        above = upTo;
      }
    }
  });
});

describe('a window', () => {
  const put = (family: number, key: string): TestOperation => {
    return { kind: 'put', family, key: utf8(key), value: utf8('v') };
  };
  const clear = (family: number): TestOperation => {
    return { kind: 'clear', family, low: undefined, high: undefined };
  };

  function familiesOf(test: TestBuffer, above: number, upTo: number): string[] {
    const walk = new BufferMergeWalk();
    walk.reset(test.buffer, above, upTo);
    const families: string[] = [];
    while (walk.nextFamily()) {
      let entries = 0;
      while (walk.nextEntry()) entries += 1;
      const marks = `${walk.isCreated ? '+' : ''}${walk.isDropped ? '-' : ''}`;
      families.push(`${walk.familyId}${marks}: ${walk.tombstones.length}, ${entries}`);
    }
    return families;
  }

  it('shows the families that it creates, drops or changes', () => {
    const test = new TestBuffer(MIB, seededRandom(1));
    addOperations(test.buffer, [put(1, 'a'), { kind: 'create', family: 2 }], 1);
    addOperations(test.buffer, [put(3, 'a')], 2);
    addOperations(test.buffer, [clear(1), { kind: 'drop', family: 2 }, clear(3)], 3);
    addOperations(test.buffer, [put(1, 'b'), { kind: 'drop', family: 4 }], 5);
    expect(familiesOf(test, 0, 1)).toEqual(['1: 0, 1', '2+: 0, 0']);
    expect(familiesOf(test, 1, 2)).toEqual(['3: 0, 1']);
    expect(familiesOf(test, 2, 3)).toEqual(['1: 1, 0', '2-: 0, 0', '3: 1, 0']);
    // Family 1 was changed before and after, but not here.
    expect(familiesOf(test, 3, 4)).toEqual([]);
    expect(familiesOf(test, 4, 5)).toEqual(['1: 0, 1', '4-: 0, 0']);
    expect(familiesOf(test, 0, 5)).toEqual(['1: 1, 1', '2+-: 0, 0', '3: 1, 0', '4-: 0, 0']);
  });

  it('may be left in the middle of a family', () => {
    const test = new TestBuffer(MIB, seededRandom(1));
    addOperations(test.buffer, [put(1, 'a'), put(1, 'b'), put(2, 'c')], 1);
    const walk = new BufferMergeWalk();
    walk.reset(test.buffer, 0, 1);
    expect([walk.nextFamily(), walk.nextFamily(), walk.familyId]).toEqual([true, true, 2]);
    expect([walk.nextEntry(), walk.nextEntry()]).toEqual([true, false]);
    walk.reset(test.buffer, 0, 1);
    expect([walk.nextFamily(), walk.familyId]).toEqual([true, 1]);
  });
});
