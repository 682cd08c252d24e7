import { describe, expect, it } from 'vitest';
import { KIB, MIB } from '../limits.js';
import { loadPagesAsync, readInMemory } from '../pages/async-load.js';
import { createTestPager, isKept, operate } from '../pages/test-pager.js';
import { inlineValueBytesMax } from './node-layout.js';
import {
  overflowDepth,
  overflowFanOut,
  overflowPayloadBytes,
  readOverflow,
  requireReadable,
} from './overflow-read.js';
import { WRITE_THROUGH_BYTES_MIN } from './overflow-write.js';
import { treeGet } from './tree-get.js';
import { TreeHit } from './tree-root.js';
import { differenceOf, readAll } from './testing/entries.js';
import { TestTree, pagesOf, utf8 } from './testing/history.js';

const PAGE_BYTES = 4096;
const PAYLOAD = overflowPayloadBytes(PAGE_BYTES);
const FAN_OUT = overflowFanOut(PAGE_BYTES);

function pattern(bytes: number, seed: number): Uint8Array {
  const value = new Uint8Array(bytes);
  let state = seed;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    value[i] = state >>> 24;
  }
  return value;
}

describe('a cold overflow value that is read without blocking', () => {
  /** A tree whose pages are all in the file, and none of those of `key` in memory. */
  function coldTree(key: Uint8Array, value: Uint8Array): TestTree {
    const tree = new TestTree(createTestPager({ canWriteThrough: true }));
    tree.begin();
    tree.put(key, value);
    tree.commit();
    return tree;
  }

  /** Rounds of loading; the value is right. */
  async function load(tree: TestTree, key: Uint8Array, value: Uint8Array): Promise<number> {
    const { pager } = tree;
    const read = (): Uint8Array =>
      operate(pager, () => {
        const hit = new TreeHit();
        treeGet(pager, tree.root, key, key.length, hit);
        requireReadable(pager, hit);
        const target = new Uint8Array(hit.valueBytes);
        readOverflow(pager, hit, target);
        return target;
      });
    for (let rounds = 0; ; rounds++) {
      const result = readInMemory(pager, read);
      if ('value' in result) {
        expect(Buffer.compare(result.value, value)).toBe(0);
        return rounds;
      }
      expect(result.missing.length).toBeLessThanOrEqual(256);
      expect(await loadPagesAsync(pager, result.missing, isKept)).toBe(true);
    }
  }

  it('says at once which pages it misses, up to 256', async () => {
    const key = utf8('large');
    const bytes = PAYLOAD * FAN_OUT * 2 + 1;
    const value = pattern(bytes, 1);
    const tree = coldTree(key, value);
    const pages = Math.ceil(bytes / PAYLOAD);
    // Three index pages, one above them; the last one has one page.
    const perIndex = Math.ceil(FAN_OUT / 256);
    const rounds = await load(tree, key, value);
    expect(rounds).toBeLessThanOrEqual(2 + 2 * perIndex + 2);
    expect(tree.pager.loader.misses).toBeGreaterThanOrEqual(pages);
    expect(await load(tree, key, value)).toBe(0);
  });
});

describe('overflow values', () => {
  const inlineMax = inlineValueBytesMax(PAGE_BYTES);
  const sizes = [
    inlineMax,
    inlineMax + 1,
    PAYLOAD - 1,
    PAYLOAD,
    PAYLOAD + 1,
    PAYLOAD * FAN_OUT - 1,
    PAYLOAD * FAN_OUT,
    PAYLOAD * FAN_OUT + 1,
    WRITE_THROUGH_BYTES_MIN,
    WRITE_THROUGH_BYTES_MIN + 1,
    3 * MIB,
  ];

  it.each([true, false])('of all sizes come back whole, write-through %s', (canWriteThrough) => {
    const tree = new TestTree(createTestPager({ cacheBytes: 32 * MIB, canWriteThrough }));
    tree.begin();
    for (const [i, bytes] of sizes.entries()) tree.put(utf8(`size ${bytes}`), pattern(bytes, i));
    tree.commit();
    tree.check();
    expect(differenceOf(readAll(tree.pager, tree.root), tree.oracle.entries)).toBeUndefined();
    tree.begin();
    for (const [i, bytes] of sizes.toReversed().entries()) {
      tree.put(utf8(`size ${sizes[i]!}`), pattern(bytes, i + 50));
    }
    tree.commit();
    tree.check();
    expect(differenceOf(readAll(tree.pager, tree.root), tree.oracle.entries)).toBeUndefined();
    tree.begin();
    for (const bytes of sizes) tree.delete(utf8(`size ${bytes}`));
    tree.commit();
    expect(tree.inUse.size).toBe(0);
  });

  it('are needed sooner when the key is long', () => {
    const tree = new TestTree(createTestPager());
    tree.begin();
    for (let n = 0; n < 30; n++) {
      tree.put(utf8(`${'k'.repeat(1020)}${n}`), pattern(inlineMax, n));
    }
    tree.commit();
    tree.check();
    expect(differenceOf(readAll(tree.pager, tree.root), tree.oracle.entries)).toBeUndefined();
  });

  it('of 64 MiB need neither frames nor memory of their size', () => {
    const pager = createTestPager({ cacheBytes: 2 * MIB });
    const tree = new TestTree(pager);
    const value = pattern(64 * MIB, 3);
    tree.begin();
    tree.put(utf8('small'), utf8('1'));
    tree.put(utf8('large'), value);
    tree.commit();
    expect(pager.dirtyFrames()).toBeLessThan(20);
    operate(pager, () => {
      const hit = new TreeHit();
      const key = utf8('large');
      expect(treeGet(pager, tree.root, key, key.length, hit)).toBe(true);
      expect(hit.valueBytes).toBe(value.length);
      expect(hit.overflowDepth).toBe(2);
      const copy = new Uint8Array(hit.valueBytes);
      readOverflow(pager, hit, copy);
      expect(Buffer.compare(copy, value)).toBe(0);
    });
    // Freeing it reads index pages only.
    const before = pager.loader.misses;
    tree.begin();
    tree.put(utf8('large'), utf8('2'));
    tree.commit();
    expect(pager.loader.misses - before).toBeLessThan(80);
    expect(tree.inUse.size).toBe(1);
    expect(pagesOf(pager, tree.root).size).toBe(1);
  });

  it('take the depth that their size asks for', () => {
    expect(overflowDepth(PAGE_BYTES, 0)).toBe(0);
    expect(overflowDepth(PAGE_BYTES, PAYLOAD)).toBe(0);
    expect(overflowDepth(PAGE_BYTES, PAYLOAD + 1)).toBe(1);
    expect(overflowDepth(PAGE_BYTES, PAYLOAD * FAN_OUT)).toBe(1);
    expect(overflowDepth(PAGE_BYTES, PAYLOAD * FAN_OUT + 1)).toBe(2);
    expect(overflowDepth(PAGE_BYTES, KIB * MIB)).toBe(3);
    expect(overflowDepth(64 * KIB, KIB * MIB)).toBe(2);
  });
});

describe('pages of other sizes', () => {
  it.each([8 * KIB, 16 * KIB, 64 * KIB])('work with %i bytes', (pageBytes) => {
    const tree = new TestTree(createTestPager({ pageBytes, cacheBytes: 64 * MIB }));
    for (let batch = 0; batch < 3; batch++) {
      tree.begin();
      for (let n = 0; n < 2000; n++) {
        const key = utf8(`key/${(n * 7919) % 2003}/${batch}`);
        tree.put(key, pattern(n % 50 === 0 ? 20_000 : n % 300, n));
      }
      for (let n = 0; n < 700; n++) tree.delete(utf8(`key/${n}/${batch}`));
      tree.commit();
      tree.check();
    }
    expect(differenceOf(readAll(tree.pager, tree.root), tree.oracle.entries)).toBeUndefined();
  });
});
