import { describe, expect, it } from 'vitest';
import { assert } from '../assert.js';
import { MIB } from '../limits.js';
import { createTestPager, operate } from '../pages/test-pager.js';
import { TreeCursor } from './tree-cursor.js';
import { treeGet } from './tree-get.js';
import { TreeHit, TreeRoot } from './tree-root.js';
import { keyOf, valueOf } from './testing/entries.js';
import { TestTree, seededRandom, utf8 } from './testing/history.js';
import type { Oracle } from './testing/oracle.js';

const makeKey = (n: number): Uint8Array => {
  return utf8(n % 7 === 0 ? `${n}`.repeat(50) : `entry-${String(n).padStart(5, '0')}`);
};

function build(cacheBytes: number): TestTree {
  const random = seededRandom(11);
  const tree = new TestTree(createTestPager({ cacheBytes }));
  for (let part = 0; part < 10; part++) {
    tree.begin();
    for (let i = 0; i < 150; i++) {
      const n = Math.floor(random() * 4000);
      tree.put(makeKey(n), new Uint8Array(Math.floor(random() * 150)).fill(n));
    }
    tree.spill();
    tree.commit();
  }
  return tree;
}

/** Index in the oracle that a seek must land on; -1 or the size when there is none. */
function landing(oracle: Oracle, key: Uint8Array, forward: boolean, inclusive: boolean): number {
  const at = oracle.lowerBound(key);
  const exact = oracle.has(key);
  if (forward) return exact && !inclusive ? at + 1 : at;
  return exact && inclusive ? at : at - 1;
}

/** Cheaper than `expect`, which would take most of the test's time. */
function expectAt(tree: TestTree, cursor: TreeCursor, there: boolean, index: number): void {
  const entry = tree.oracle.entries[index];
  assert(there === (entry !== undefined), `there is ${entry ? 'an' : 'no'} entry ${index}`);
  if (entry === undefined) return;
  assert(Buffer.compare(keyOf(cursor), entry.key) === 0, `the cursor has key ${index}`);
  const value = valueOf(tree.pager, cursor.hit);
  assert(Buffer.compare(value, entry.value) === 0, `the cursor has value ${index}`);
}

describe.each([
  ['all in memory', 16 * MIB],
  ['a cache smaller than the tree', MIB],
])('a cursor, %s', (_name, cacheBytes) => {
  const tree = build(cacheBytes);

  it('goes through all entries in both directions', () => {
    operate(tree.pager, () => {
      const cursor = new TreeCursor(tree.pager);
      let index = 0;
      let there = cursor.seekFirst(tree.root);
      for (; there; there = cursor.next()) expectAt(tree, cursor, there, index++);
      expect(index).toBe(tree.oracle.size);
      for (there = cursor.seekLast(tree.root); there; there = cursor.prev()) {
        expectAt(tree, cursor, there, --index);
      }
      expect(index).toBe(0);
    });
  });

  it('seeks like the oracle, and moves on from there', () => {
    const random = seededRandom(12);
    for (let i = 0; i < 300; i++) {
      operate(tree.pager, () => {
        const cursor = new TreeCursor(tree.pager);
        const key = makeKey(Math.floor(random() * 4100));
        const forward = random() < 0.5;
        const inclusive = random() < 0.5;
        let index = landing(tree.oracle, key, forward, inclusive);
        let there = forward
          ? cursor.seekForward(tree.root, key, key.length, inclusive)
          : cursor.seekBackward(tree.root, key, key.length, inclusive);
        expectAt(tree, cursor, there, index);
        for (let move = 0; there && move < 20; move++) {
          const ahead = random() < 0.5;
          there = ahead ? cursor.next() : cursor.prev();
          index += ahead ? 1 : -1;
          expectAt(tree, cursor, there, index);
        }
      });
    }
  });

  it('is not disturbed by many other cursors', () => {
    operate(tree.pager, () => {
      const cursors = Array.from({ length: 8 }, () => new TreeCursor(tree.pager));
      const starts = cursors.map((_, i) => i * 100);
      cursors.forEach((cursor, i) => {
        const { key } = tree.oracle.entries[starts[i]!]!;
        expectAt(tree, cursor, cursor.seekForward(tree.root, key, key.length, true), starts[i]!);
      });
      for (let move = 1; move < 150; move++) {
        cursors.forEach((cursor, i) => {
          // One cursor stands still for long, while the others use up the scratch frames.
          if (i === 0 && move % 50 !== 0) return;
          const index = i === 0 ? starts[0]! + move / 50 : starts[i]! + move;
          expectAt(tree, cursor, cursor.next(), index);
        });
      }
    });
  });

  it('finds what treeGet finds', () => {
    operate(tree.pager, () => {
      const hit = new TreeHit();
      for (let n = 0; n < 4000; n++) {
        const key = makeKey(n);
        const expected = tree.oracle.get(key);
        const found = treeGet(tree.pager, tree.root, key, key.length, hit);
        assert(found === (expected !== undefined), `entry ${n} is found if it is there`);
        if (expected === undefined) continue;
        assert(Buffer.compare(valueOf(tree.pager, hit), expected) === 0, `value ${n} is right`);
      }
    });
  });
});

describe('a cursor over an empty tree', () => {
  it('finds nothing', () => {
    const pager = createTestPager();
    const cursor = new TreeCursor(pager);
    const root = new TreeRoot();
    operate(pager, () => {
      expect(cursor.seekFirst(root)).toBe(false);
      expect(cursor.seekLast(root)).toBe(false);
      expect(cursor.seekForward(root, utf8('a'), 1, true)).toBe(false);
      expect(cursor.seekBackward(root, utf8('a'), 1, true)).toBe(false);
      expect(cursor.next()).toBe(false);
      expect(cursor.prev()).toBe(false);
      expect(treeGet(pager, root, utf8('a'), 1, new TreeHit())).toBe(false);
    });
  });
});
