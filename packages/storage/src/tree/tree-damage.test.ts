/**
 * Pages that pass their checksum and are wrong all the same: whatever they say, the tree answers
 * with ERR_MANIFOLD_CORRUPT or with some entries, comes to an end, and writes to no other page.
 */
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../assert.js';
import { ManifoldError } from '../errors.js';
import { PAGE_HEADER_SPECIFIC, PageKind } from '../format/page-header.js';
import { MIB } from '../limits.js';
import { Diff } from '../pages/diff.js';
import type { Pager } from '../pages/pager.js';
import { createTestPager, operate } from '../pages/test-pager.js';
import { checkTree } from './check-tree.js';
import { TreeCursor } from './tree-cursor.js';
import { treeCount, treeGet } from './tree-get.js';
import { treeRangeEqual } from './tree-range-equal.js';
import { TreeHit, TreeRoot } from './tree-root.js';
import { TreeWriter } from './tree-writer.js';
import { keyOf, valueOf } from './testing/entries.js';
import { TestTree, pagesOf, seededRandom, utf8 } from './testing/history.js';

const numbered = (n: number): Uint8Array => utf8(`key/${String(n).padStart(5, '0')}`);

function build(): TestTree {
  const tree = new TestTree(createTestPager({ cacheBytes: 8 * MIB }));
  tree.begin();
  for (let n = 0; n < 1500; n++) {
    tree.put(numbered((n * 761) % 1500), new Uint8Array(n % 250 === 0 ? 9000 : n % 90).fill(n));
  }
  tree.commit();
  return tree;
}

/** Runs `body`; a damaged page may stop it, but only in the way that damage is reported. */
function survive(pager: Pager, body: () => void): boolean {
  try {
    operate(pager, body);
    return true;
  } catch (error) {
    // With the costly checks on, the pager asserts what the parent says of a page in memory.
    const isBirth = error instanceof InvariantError && error.message.includes('expected birth');
    if (!isBirth) {
      expect(error).toBeInstanceOf(ManifoldError);
      expect((error as ManifoldError).code).toBe('ERR_MANIFOLD_CORRUPT');
    }
    return false;
  }
}

function readEverything(pager: Pager, root: TreeRoot, other: TreeRoot): void {
  survive(pager, () => {
    const cursor = new TreeCursor(pager);
    let left = 20_000;
    for (let there = cursor.seekFirst(root); there && left > 0; there = cursor.next(), left--) {
      keyOf(cursor);
      valueOf(pager, cursor.hit);
    }
  });
  survive(pager, () => {
    const cursor = new TreeCursor(pager);
    let left = 20_000;
    for (let there = cursor.seekLast(root); there && left > 0; there = cursor.prev()) left--;
  });
  const hit = new TreeHit();
  for (let n = 0; n < 1500; n += 50) {
    const key = numbered(n);
    survive(pager, () => void treeGet(pager, root, key, key.length, hit));
  }
  survive(pager, () => void treeCount(pager, root, numbered(300), numbered(900)));
  survive(pager, () => void treeRangeEqual(pager, root, other, undefined, undefined));
}

function change(pager: Pager, root: TreeRoot, random: () => number): void {
  const diff = new Diff();
  diff.reset(pager.newToken());
  const writer = new TreeWriter(pager, diff, root);
  let goesOn = true;
  for (let i = 0; i < 60 && goesOn; i++) {
    const key = numbered(Math.floor(random() * 1600));
    goesOn = survive(pager, () => {
      const kind = random();
      if (kind < 0.6) writer.put(key, 0, key.length, new Uint8Array(300), 0, 300);
      else if (kind < 0.95) writer.delete(key, 0, key.length);
      else writer.deleteRange(key, numbered(Math.floor(random() * 1600)));
    });
  }
}

/** All frames that hold pages of the version, copied. */
function snapshotPages(pager: Pager, pages: Iterable<number>): Map<number, Uint8Array> {
  const copies = new Map<number, Uint8Array>();
  for (const page of pages) copies.set(page, pager.frameBytes(pager.findFrame(page)).slice());
  return copies;
}

describe('a damaged page', () => {
  it.each([1, 2, 3, 4])('leads neither readers nor writers astray, seed %i', (seed) => {
    const random = seededRandom(seed);
    const tree = build();
    const { pager, root } = tree;
    const pages = [...pagesOf(pager, root).keys()];
    const pristine = snapshotPages(pager, pages);
    tree.begin();
    tree.put(numbered(700), utf8('other'));
    const other = new TreeRoot();
    const old = new TreeRoot();
    old.copyFrom(root);
    other.copyFrom(tree.commit());
    for (let round = 0; round < 40; round++) {
      const page = pages[Math.floor(random() * pages.length)]!;
      const bytes = pager.frameBytes(pager.findFrame(page));
      const hits = 1 + Math.floor(random() * 6);
      for (let i = 0; i < hits; i++) {
        // Mostly header and slots, where damage leads furthest.
        const limit = random() < 0.8 ? 200 : bytes.length;
        const at = PAGE_HEADER_SPECIFIC - 2 + Math.floor(random() * (limit - 16));
        bytes[at] = random() < 0.3 ? 0xff : Math.floor(random() * 256);
      }
      const damaged = bytes.slice();
      readEverything(pager, old, other);
      survive(pager, () => checkTree(pager, old));
      change(pager, old, random);
      for (const [number, copy] of pristine) {
        const now = pager.frameBytes(pager.findFrame(number));
        expect(Buffer.compare(now, number === page ? damaged : copy)).toBe(0);
      }
      bytes.set(pristine.get(page)!);
    }
    expect(survive(pager, () => checkTree(pager, old))).toBe(true);
  });
});

describe('checkTree', () => {
  it('names the page and finds every kind of wrong node', () => {
    const { pager, root } = build();
    const leaves: number[] = [];
    operate(pager, () =>
      checkTree(pager, root, (page, _birth, kind) => {
        if (kind === PageKind.LEAF) leaves.push(page);
      }),
    );
    const leaf = leaves[3]!;
    const top = root.page;
    // Offset of the damaged byte, and what it is.
    const damages: [number, number, string][] = [
      [leaf, 14, 'kind'],
      [top, 15, 'level'],
      [leaf, 16, 'slotCount'],
      [leaf, 18, 'prefixBytes'],
      [leaf, 20, 'heapTop'],
      [leaf, 24, 'garbageBytes'],
      [leaf, 28, 'heapEnd'],
      [leaf, 32, 'first byte of the prefix or head'],
      [top, 60, 'a slot'],
    ];
    for (const [page, offset, name] of damages) {
      const bytes = pager.frameBytes(pager.findFrame(page));
      const before = bytes[offset]!;
      bytes[offset] = before ^ 0x11;
      let message = '';
      try {
        operate(pager, () => checkTree(pager, root));
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message, name).toMatch(/page \d+: /);
      bytes[offset] = before;
    }
    operate(pager, () => checkTree(pager, root));
  });

  it('finds a wrong count of entries', () => {
    const { pager, root } = build();
    root.count++;
    expect(() => operate(pager, () => checkTree(pager, root))).toThrow(/entries in a tree of/);
  });
});
