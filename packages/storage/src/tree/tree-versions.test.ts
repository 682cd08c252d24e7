import { describe, expect, it } from 'vitest';
import { MIB } from '../limits.js';
import { createTestPager, operate } from '../pages/test-pager.js';
import { treeCount } from './tree-get.js';
import { forEachPage } from './tree-pages.js';
import { treeRangeEqual } from './tree-range-equal.js';
import type { TreeRoot } from './tree-root.js';
import { differenceOf, readAll } from './testing/entries.js';
import { TestTree, pagesOf, seededRandom, utf8 } from './testing/history.js';
import type { Oracle } from './testing/oracle.js';

interface Version {
  readonly root: TreeRoot;
  readonly oracle: Oracle;
}

const keyOf = (n: number): Uint8Array => utf8(`user/${String(n).padStart(6, '0')}`);

/** Versions of one tree, each built on the one before; nothing is ever given back. */
function buildVersions(seed: number, count: number): { tree: TestTree; versions: Version[] } {
  const random = seededRandom(seed);
  const pick = (limit: number): number => Math.floor(random() * limit);
  const tree = new TestTree(createTestPager({ cacheBytes: 64 * MIB }));
  const versions: Version[] = [];
  for (let version = 0; version < count; version++) {
    tree.begin();
    const changes = version === 0 ? 1500 : 1 + pick(60);
    for (let i = 0; i < changes; i++) {
      const key = keyOf(pick(3000));
      const kind = random();
      if (kind < 0.75) tree.put(key, new Uint8Array(kind < 0.02 ? 6000 : pick(120)).fill(i));
      else if (kind < 0.99) tree.delete(key);
      else tree.deleteRange(key, keyOf(pick(3000)));
    }
    versions.push({ root: tree.commit(), oracle: tree.oracle.copy() });
    tree.check();
  }
  return { tree, versions };
}

describe('versions of a tree', () => {
  it('stay readable and unchanged while later ones are built on them', () => {
    const { tree, versions } = buildVersions(1, 25);
    for (const { root, oracle } of versions) {
      pagesOf(tree.pager, root);
      expect(root.count).toBe(oracle.size);
      expect(differenceOf(readAll(tree.pager, root), oracle.entries)).toBeUndefined();
    }
  });

  it('share the pages that did not change', () => {
    const { tree, versions } = buildVersions(2, 6);
    const before = pagesOf(tree.pager, versions[4]!.root);
    const after = pagesOf(tree.pager, versions[5]!.root);
    const shared = [...after].filter(([page, birth]) => before.get(page) === birth);
    expect(shared.length).toBeGreaterThan(0);
    expect(shared.length).toBeLessThan(after.size);
  });

  it('are dropped page by page without reading leaves that hold no overflow values', () => {
    const pager = createTestPager({ cacheBytes: 2 * MIB });
    const tree = new TestTree(pager);
    tree.begin();
    for (let n = 0; n < 3000; n++) tree.put(keyOf(n), new Uint8Array(100));
    tree.spill();
    for (let n = 0; n < 3000; n++) tree.put(keyOf(n + 3000), new Uint8Array(100));
    tree.spill();
    const root = tree.commit();
    const expected = [...pagesOf(pager, root)].sort(([a], [b]) => a - b);
    const before = pager.loader.misses;
    const visited: [number, number][] = [];
    operate(pager, () => forEachPage(pager, root, (page, birth) => visited.push([page, birth])));
    expect(visited.sort(([a], [b]) => a - b)).toEqual(expected);
    expect(pager.loader.misses - before).toBeLessThan(10);
  });

  it('are dropped with their overflow values', () => {
    const { tree, versions } = buildVersions(3, 3);
    const root = versions[2]!.root;
    const visited = new Set<number>();
    operate(tree.pager, () => forEachPage(tree.pager, root, (page) => visited.add(page)));
    expect([...visited].sort()).toEqual([...pagesOf(tree.pager, root).keys()].sort());
  });
});

describe('treeCount', () => {
  it('matches the oracle for any bounds', () => {
    const { tree, versions } = buildVersions(4, 4);
    const random = seededRandom(40);
    const { root, oracle } = versions[3]!;
    operate(tree.pager, () => {
      for (let i = 0; i < 500; i++) {
        const low = random() < 0.1 ? undefined : keyOf(Math.floor(random() * 3100));
        const high = random() < 0.1 ? undefined : keyOf(Math.floor(random() * 3100));
        expect(treeCount(tree.pager, root, low, high)).toBe(oracle.count(low, high));
      }
    });
  });
});

describe('treeRangeEqual', () => {
  function oracleEqual(a: Oracle, b: Oracle, low?: Uint8Array, high?: Uint8Array): boolean {
    const cut = (oracle: Oracle) =>
      oracle.entries.filter(
        ({ key }) =>
          (low === undefined || Buffer.compare(key, low) >= 0) &&
          (high === undefined || Buffer.compare(key, high) < 0),
      );
    return differenceOf(cut(a), cut(b)) === undefined;
  }

  it('matches the oracle for any two versions and bounds', () => {
    const { tree, versions } = buildVersions(5, 12);
    const random = seededRandom(50);
    let equal = 0;
    for (let i = 0; i < 400; i++) {
      const a = versions[Math.floor(random() * versions.length)]!;
      const b = versions[Math.floor(random() * versions.length)]!;
      const from = Math.floor(random() * 3000);
      const low = random() < 0.1 ? undefined : keyOf(from);
      const high = random() < 0.1 ? undefined : keyOf(from + Math.floor(random() * 60));
      const expected = oracleEqual(a.oracle, b.oracle, low, high);
      if (expected) equal++;
      const actual = operate(tree.pager, () =>
        treeRangeEqual(tree.pager, a.root, b.root, low, high),
      );
      expect(actual).toBe(expected);
    }
    expect(equal).toBeGreaterThan(20);
    expect(equal).toBeLessThan(380);
  });

  it('compares trees that share no page by their entries', () => {
    const pager = createTestPager({ cacheBytes: 32 * MIB });
    const build = (order: readonly number[]): TestTree => {
      const tree = new TestTree(pager);
      tree.begin();
      for (const n of order) tree.put(keyOf(n), new Uint8Array(n % 400 === 0 ? 9000 : 50).fill(n));
      tree.commit();
      return tree;
    };
    const numbers = Array.from({ length: 2000 }, (_, n) => n);
    const a = build(numbers);
    const b = build(numbers.toReversed());
    const equal = (low?: Uint8Array, high?: Uint8Array) =>
      operate(pager, () => treeRangeEqual(pager, a.root, b.root, low, high));
    expect(equal()).toBe(true);
    b.begin();
    b.put(keyOf(1200), new Uint8Array(9000).fill(1));
    b.commit();
    expect(equal()).toBe(false);
    expect(equal(undefined, keyOf(1200))).toBe(true);
    expect(equal(keyOf(1201), undefined)).toBe(true);
    expect(equal(keyOf(1200), keyOf(1201))).toBe(false);
  });

  it('steps over shared subtrees without reading them', () => {
    const pager = createTestPager({ cacheBytes: 2 * MIB });
    const tree = new TestTree(pager);
    tree.begin();
    for (let n = 0; n < 8000; n++) {
      tree.put(keyOf(n), new Uint8Array(100));
      if (n % 2000 === 0) tree.spill();
    }
    tree.spill();
    const a = tree.commit();
    tree.begin();
    tree.put(keyOf(4000), utf8('changed'));
    const b = tree.commit();
    const before = pager.loader.misses;
    const equal = operate(pager, () => treeRangeEqual(pager, a, b, undefined, keyOf(4000)));
    expect(equal).toBe(true);
    expect(pager.loader.misses - before).toBeLessThan(10);
  });
});
