import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MIB } from '../limits.js';
import { createTestPager } from '../pages/test-pager.js';
import { differenceOf, readAll } from './testing/entries.js';
import { TestTree, seededRandom, utf8 } from './testing/history.js';

type Random = () => number;

function number(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** Ways to make keys; `step` counts the operations of the history. */
const keyMakers: Record<string, (random: Random, step: number) => Uint8Array> = {
  'random numbers': (random) => utf8(`key:${String(number(random, 3000)).padStart(10, '0')}`),
  ascending: (random, step) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(4, random() < 0.8 ? step : number(random, step + 1));
    return bytes;
  },
  descending: (random, step) => {
    const bytes = new Uint8Array(8);
    const at = random() < 0.8 ? step : number(random, step + 1);
    new DataView(bytes.buffer).setUint32(4, 1_000_000 - at);
    return bytes;
  },
  'long keys': (random) => {
    const stem = `${number(random, 5)}`.repeat(200 + number(random, 3) * 390);
    return utf8(`${stem}${number(random, 60)}`);
  },
  'common prefixes': (random) => {
    const tenant = `tenant/${number(random, 4)}/`.repeat(1 + number(random, 12));
    return utf8(`${tenant}${number(random, 300)}`);
  },
  'several ascending runs': (random, step) => {
    return utf8(`run-${step % 5}/${String(step).padStart(8, '0')}${random() < 0.1 ? '+' : ''}`);
  },
  'short and empty': (random) => {
    return Uint8Array.from({ length: number(random, 4) }, () => number(random, 12) * 23);
  },
};

function makeValue(random: Random): Uint8Array {
  const kind = random();
  let bytes = number(random, 200);
  if (kind < 0.1) bytes = 0;
  else if (kind < 0.2) bytes = 900 + number(random, 200);
  else if (kind < 0.23) bytes = number(random, 20_000);
  return new Uint8Array(bytes).fill(number(random, 256));
}

function bound(random: Random, key: Uint8Array): Uint8Array | undefined {
  return random() < 0.1 ? undefined : key;
}

describe.each(Object.keys(keyMakers))('histories of %s', (name) => {
  it.each([1, 2, 3])('match the oracle, seed %i', (seed) => {
    const random = seededRandom(seed * 1000 + name.length);
    const tree = new TestTree(createTestPager({ cacheBytes: 48 * MIB }));
    let step = 0;
    for (let batch = 0; batch < 8; batch++) {
      tree.begin();
      const growing = random() < 0.65;
      for (let i = 0; i < 250; i++) {
        const key = keyMakers[name]!(random, ++step);
        const kind = random();
        if (kind < (growing ? 0.85 : 0.25)) {
          tree.put(key, makeValue(random));
        } else if (kind < 0.985) {
          tree.delete(key);
        } else {
          const other = keyMakers[name]!(random, step);
          const [low, high] = Buffer.compare(key, other) < 0 ? [key, other] : [other, key];
          tree.deleteRange(bound(random, low), bound(random, high));
        }
      }
      tree.commit();
      tree.check();
      expect(differenceOf(readAll(tree.pager, tree.root), tree.oracle.entries)).toBeUndefined();
    }
  });
});

describe('small histories', () => {
  const key = fc.oneof(
    fc.uint8Array({ minLength: 0, maxLength: 6 }),
    fc.tuple(fc.nat(3), fc.integer({ min: 900, max: 1023 })).map(([n, length]) => {
      return utf8(`${'k'.repeat(length)}${n}`);
    }),
  );
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.integer({ min: 900, max: 5000 }).map((length) => new Uint8Array(length).fill(length)),
  );
  const change = fc.oneof(
    { weight: 6, arbitrary: fc.record({ key, value }) },
    { weight: 3, arbitrary: fc.record({ key }) },
    { weight: 1, arbitrary: fc.record({ low: fc.option(key), high: fc.option(key) }) },
  );

  it('match the oracle', () => {
    const pager = createTestPager({ cacheBytes: 256 * MIB });
    const history = fc.array(fc.array(change, { maxLength: 40 }), { maxLength: 4 });
    fc.assert(
      fc.property(history, (batches) => {
        const tree = new TestTree(pager);
        for (const batch of batches) {
          tree.begin();
          for (const step of batch) {
            if ('value' in step) tree.put(step.key, step.value);
            else if ('key' in step) tree.delete(step.key);
            else tree.deleteRange(step.low ?? undefined, step.high ?? undefined);
          }
          tree.commit();
          tree.check();
        }
        expect(differenceOf(readAll(pager, tree.root), tree.oracle.entries)).toBeUndefined();
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});

describe('a writer', () => {
  const numbered = (n: number): Uint8Array => utf8(`key:${String(n).padStart(10, '0')}`);

  it('fills pages to the end with ascending keys', () => {
    const tree = new TestTree(createTestPager());
    tree.begin();
    for (let n = 0; n < 5000; n++) tree.put(numbered(n), new Uint8Array(100));
    tree.commit();
    tree.check();
    const leastPages = (5000 * (100 + 8 + 4)) / 4096;
    expect(tree.inUse.size).toBeLessThan(leastPages * 1.1);
  });

  it('fills pages to the end with descending keys', () => {
    const tree = new TestTree(createTestPager());
    tree.begin();
    for (let n = 5000; n > 0; n--) tree.put(numbered(n), new Uint8Array(100));
    tree.commit();
    tree.check();
    expect(tree.inUse.size).toBeLessThan(((5000 * (100 + 8 + 4)) / 4096) * 1.2);
  });

  it('gives every page back when all entries are deleted one by one', () => {
    const tree = new TestTree(createTestPager());
    tree.begin();
    for (let n = 0; n < 3000; n++) tree.put(numbered(n), new Uint8Array(60));
    tree.commit();
    tree.begin();
    for (let n = 0; n < 3000; n += 2) tree.delete(numbered(n));
    for (let n = 2999; n > 0; n -= 2) tree.delete(numbered(n));
    tree.commit();
    tree.check();
    expect(tree.root.page).toBe(0);
    expect(tree.inUse.size).toBe(0);
  });

  it('joins underfull pages while entries are deleted', () => {
    const tree = new TestTree(createTestPager());
    tree.begin();
    for (let n = 0; n < 5000; n++) tree.put(numbered(n), new Uint8Array(60));
    tree.commit();
    const before = tree.inUse.size;
    tree.begin();
    for (let n = 0; n < 5000; n++) if (n % 10 !== 0) tree.delete(numbered(n));
    tree.commit();
    tree.check();
    expect(tree.inUse.size).toBeLessThan(before / 3);
  });

  it('drops a range without reading its leaves', () => {
    const pager = createTestPager({ cacheBytes: 2 * MIB });
    const tree = new TestTree(pager);
    for (let part = 0; part < 20; part++) {
      tree.begin();
      for (let n = part * 500; n < (part + 1) * 500; n++) tree.put(numbered(n), new Uint8Array(60));
      tree.spill();
      tree.commit();
    }
    tree.check();
    const before = pager.loader.misses;
    tree.begin();
    tree.deleteRange(numbered(7), numbered(9990));
    const misses = pager.loader.misses - before;
    tree.commit();
    tree.check();
    expect(tree.root.count).toBe(17);
    expect(misses).toBeLessThan(20);
  });

  it('says nothing new happened when a range or key is not there', () => {
    const tree = new TestTree(createTestPager());
    tree.begin();
    for (let n = 0; n < 1000; n += 2) tree.put(numbered(n), utf8('v'));
    tree.commit();
    tree.begin();
    tree.delete(numbered(501));
    tree.deleteRange(numbered(501), numbered(502));
    tree.deleteRange(numbered(600), numbered(500));
    tree.commit();
    expect(tree.diff.allocatedCount).toBe(0);
    expect(tree.diff.freedCount).toBe(0);
  });

  it('works on through spilled pages and a cache much smaller than the tree', () => {
    const random = seededRandom(99);
    const pager = createTestPager({ cacheBytes: MIB });
    const tree = new TestTree(pager);
    for (let batch = 0; batch < 12; batch++) {
      tree.begin();
      for (let i = 0; i < 300; i++) {
        const key = numbered(number(random, 4000));
        if (random() < 0.8) tree.put(key, new Uint8Array(number(random, 400)).fill(i));
        else tree.delete(key);
        // The pager promises few free frames per operation in so small a cache.
        if (i % 4 === 0) tree.spill();
      }
      tree.spill();
      tree.commit();
      tree.check();
    }
    expect(pager.loader.misses).toBeGreaterThan(0);
    expect(differenceOf(readAll(pager, tree.root), tree.oracle.entries)).toBeUndefined();
  });

  it('builds on its own spilled pages after a reset', () => {
    const tree = new TestTree(createTestPager());
    tree.begin();
    for (let n = 0; n < 100; n++) tree.put(numbered(n), utf8('a'));
    tree.spill();
    for (let n = 50; n < 150; n++) tree.put(numbered(n), utf8('b'));
    tree.commit();
    tree.check();
    expect(differenceOf(readAll(tree.pager, tree.root), tree.oracle.entries)).toBeUndefined();
  });

  it.each([0, 1, 2, 3])('takes keys and values out of a staging buffer, shifted by %i', (shift) => {
    const random = seededRandom(shift);
    const tree = new TestTree(createTestPager());
    const buffer = new ArrayBuffer(4096 + 4);
    const staging = new Uint8Array(buffer, shift === 3 ? 2 : 0, 4096);
    const expected = new Map<string, Uint8Array>();
    tree.begin();
    for (let i = 0; i < 1200; i++) {
      const key = numbered(number(random, 900));
      const value = Uint8Array.from({ length: number(random, 700) }, () => number(random, 256));
      const valueAt = 64 + 4 * number(random, 50) + shift;
      staging.fill(0xaa);
      staging.set(key, shift);
      staging.set(value, valueAt);
      const isNew = !expected.has(Buffer.from(key).toString());
      const { writer } = tree;
      const said = writer.put(staging, shift, key.length, staging, valueAt, value.length);
      expect(said).toBe(isNew);
      expected.set(Buffer.from(key).toString(), value);
    }
    tree.commit();
    const actual = readAll(tree.pager, tree.root);
    const sorted = [...expected].sort(([a], [b]) => (a < b ? -1 : 1));
    const entries = sorted.map(([key, value]) => ({ key: utf8(key), value }));
    expect(differenceOf(actual, entries)).toBeUndefined();
  });
});
