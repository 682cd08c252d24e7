import { describe, expect, it } from 'vitest';
import { PageKind } from '../format/page-header.js';
import { KEY_BYTES_MAX, PAGE_BYTES_MAX, PAGE_BYTES_MIN } from '../limits.js';
import { appendEntries, compactNode, rebuildNode } from './node-build.js';
import {
  cellBytes,
  clearKey,
  initNode,
  insertChild,
  insertSlot,
  removeSlots,
  takeCell,
  writeTail,
} from './node-edit.js';
import {
  LEAF_TAIL,
  WORD_BIRTH_HIGH_KIND_LEVEL,
  WORD_PAGE,
  cellAt,
  childBirth,
  childCount,
  childMayOverflow,
  childPage,
  freeBytes,
  gapBytes,
  kindLevel,
  leafCellBytes,
  leafEntryBytesMax,
  nodeCapacity,
  prefixBytes,
  setChildCount,
  slotCount,
  suffixBytes,
  valueAt,
} from './node-layout.js';
import { copyKey, entriesBytes, liveBytes } from './node-read.js';
import { childSlot, compareSlot, keyHead, searchLeaf } from './node-search.js';
import { seededRandom, utf8 } from './testing/history.js';

const PAGE_BYTES = 4096;

/** A node in a plain buffer, not at its start, so that forgotten bases show. */
class PlainNode {
  readonly base = PAGE_BYTES;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;

  constructor(prefix: Uint8Array, level = 0, page = 7) {
    const buffer = new ArrayBuffer(3 * PAGE_BYTES);
    this.u8 = new Uint8Array(buffer).fill(0xee);
    this.i32 = new Int32Array(buffer);
    const kind = level === 0 ? PageKind.LEAF : PageKind.BRANCH;
    this.i32[(this.base >> 2) + WORD_PAGE] = page;
    this.i32[(this.base >> 2) + WORD_PAGE + 1] = page * 10;
    this.i32[(this.base >> 2) + WORD_BIRTH_HIGH_KIND_LEVEL] = (kindLevel(kind, level) << 16) | 3;
    initNode(this.u8, this.i32, this.base, PAGE_BYTES, prefix, prefix.length, 0);
  }

  search(key: Uint8Array): number {
    return searchLeaf(this.u8, this.i32, this.base, key, 0, key.length);
  }

  /** Inserts into a leaf; the key begins with the prefix. */
  insert(key: Uint8Array, value: Uint8Array): void {
    const { u8, i32, base } = this;
    const position = ~this.search(key);
    expect(position).toBeGreaterThanOrEqual(0);
    const prefix = prefixBytes(i32, base);
    const suffix = key.length - prefix;
    const offset = takeCell(i32, base, leafCellBytes(value.length, suffix));
    i32[(base + offset) >> 2] = value.length;
    writeTail(u8, base + offset + LEAF_TAIL, key, prefix, suffix);
    u8.set(value, valueAt(base + offset, suffix));
    insertSlot(i32, base, position, keyHead(key, prefix, suffix), offset, suffix);
  }

  key(slot: number, leaf = true): Uint8Array {
    const key = new Uint8Array(KEY_BYTES_MAX);
    return key.slice(0, copyKey(this.u8, this.i32, this.base, slot, leaf, key, 0));
  }

  value(slot: number): Uint8Array {
    const cell = cellAt(this.i32, this.base, slot);
    const at = valueAt(cell, suffixBytes(this.i32, this.base, slot));
    return this.u8.slice(at, at + this.i32[cell >> 2]!);
  }

  keys(): string[] {
    const count = slotCount(this.i32, this.base);
    return Array.from({ length: count }, (_, slot) => Buffer.from(this.key(slot)).toString());
  }

  /** No byte outside the page was written. */
  expectNeighboursUntouched(): void {
    expect(this.u8.subarray(0, PAGE_BYTES).every((byte) => byte === 0xee)).toBe(true);
    expect(this.u8.subarray(2 * PAGE_BYTES).every((byte) => byte === 0xee)).toBe(true);
  }
}

describe('keyHead', () => {
  it('orders like the bytes it stands for', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 2000; i++) {
      const a = Uint8Array.from({ length: 4 }, () => Math.floor(random() * 256));
      const b = Uint8Array.from({ length: 4 }, () => Math.floor(random() * 256));
      const order = Math.sign(keyHead(a, 0, 4) - keyHead(b, 0, 4));
      expect(order).toBe(Buffer.compare(a, b));
    }
  });

  it('pads short keys with zeros and ignores what lies behind', () => {
    const key = Uint8Array.of(1, 2, 0xff, 0xff);
    expect(keyHead(key, 0, 2)).toBe(keyHead(Uint8Array.of(1, 2, 0, 0), 0, 4));
    expect(keyHead(key, 0, 0)).toBe(keyHead(new Uint8Array(4), 0, 4));
  });
});

describe('a leaf', () => {
  it('keeps keys that differ only in trailing zeros apart', () => {
    const node = new PlainNode(new Uint8Array(0));
    const keys = [0, 1, 2, 3, 4, 5, 6].map((length) => new Uint8Array(length));
    for (const key of keys.toReversed()) node.insert(key, key);
    keys.forEach((key, i) => {
      expect(node.search(key)).toBe(i);
      expect(node.key(i)).toEqual(key);
    });
    expect(node.search(new Uint8Array(7))).toBe(~7);
    expect(node.search(Uint8Array.of(0, 0, 1))).toBe(~7);
  });

  it('matches a sorted array through random insertions and removals', () => {
    const random = seededRandom(2);
    const node = new PlainNode(utf8('pre/'));
    const { i32, base } = node;
    let keys: string[] = [];
    for (let i = 0; i < 3000; i++) {
      const text = `pre/${Math.floor(random() * 90)}`.repeat(random() < 0.1 ? 3 : 1);
      const at = node.search(utf8(text));
      expect(at >= 0).toBe(keys.includes(text));
      if (at >= 0) {
        removeSlots(i32, base, at, at + 1, true);
        keys = keys.filter((key) => key !== text);
      } else if (gapBytes(i32, base) >= 8 + leafCellBytes(6, text.length - 4)) {
        node.insert(utf8(text), utf8(`<${text.slice(-4)}>`));
        keys = [...keys, text].sort();
      } else {
        const free = freeBytes(i32, base);
        compactNode(node.u8, i32, base, PAGE_BYTES, true);
        expect(gapBytes(i32, base)).toBe(free);
      }
      if (i % 100 === 0) {
        expect(node.keys()).toEqual(keys);
        expect(liveBytes(i32, base)).toBe(entriesBytes(i32, base, 0, keys.length, true, 0));
        const free = nodeCapacity(PAGE_BYTES) - 4 - liveBytes(i32, base);
        expect(freeBytes(i32, base)).toBe(free);
      }
    }
    keys.forEach((key, slot) => expect(node.value(slot)).toEqual(utf8(`<${key.slice(-4)}>`)));
    node.expectNeighboursUntouched();
  });

  it('puts keys without its prefix before or behind all others', () => {
    const node = new PlainNode(utf8('mm'));
    node.insert(utf8('mma'), utf8('1'));
    node.insert(utf8('mmz'), utf8('2'));
    for (const key of ['', 'm', 'ml', 'a', 'mlzzzz']) expect(node.search(utf8(key))).toBe(~0);
    for (const key of ['mn', 'n', 'mna']) expect(node.search(utf8(key))).toBe(~2);
    expect(node.search(utf8('mm'))).toBe(~0);
    expect(node.search(utf8('mmb'))).toBe(~1);
  });

  it('compares one slot like the whole keys compare', () => {
    const node = new PlainNode(utf8('ab'));
    node.insert(utf8('abcdefgh'), utf8('v'));
    const texts = ['', 'ab', 'abcdefg', 'abcdefgh', 'abcdefgha', 'abcdefgi', 'abcdeezz', 'b'];
    for (const text of texts) {
      const key = utf8(text);
      const order = compareSlot(node.u8, node.i32, node.base, 0, LEAF_TAIL, key, 0, key.length);
      expect(Math.sign(order)).toBe(Buffer.compare(key, utf8('abcdefgh')));
    }
  });

  it.each(['', 'k', 'key', 'key:', 'key:0', 'key:00'])('can be rebuilt with prefix "%s"', (to) => {
    for (const from of ['', 'ke', 'key:', 'key:00']) {
      const node = new PlainNode(utf8(from));
      const keys = ['key:00', 'key:001', 'key:0012345', 'key:00999'];
      for (const key of keys) node.insert(utf8(key), utf8(`value of ${key}`));
      const { u8, i32, base } = node;
      const expected = entriesBytes(i32, base, 0, 4, true, to.length - from.length);
      rebuildNode(u8, i32, base, PAGE_BYTES, true, 0, 4, utf8(to), to.length);
      expect(node.keys()).toEqual(keys);
      expect(liveBytes(i32, base)).toBe(expected);
      keys.forEach((key, slot) => {
        expect(node.search(utf8(key))).toBe(slot);
        expect(node.value(slot)).toEqual(utf8(`value of ${key}`));
      });
      node.expectNeighboursUntouched();
    }
  });

  it('is appended to another with another prefix', () => {
    const source = new PlainNode(utf8('ab'));
    for (const key of ['aba', 'abb', 'abbbbbb', 'abc']) source.insert(utf8(key), utf8(key));
    const target = new PlainNode(utf8('abb'));
    const { u8, i32, base } = source;
    appendEntries(u8, i32, base, 1, 3, target.u8, target.i32, target.base, true);
    expect(target.keys()).toEqual(['abb', 'abbbbbb']);
    expect(target.value(1)).toEqual(utf8('abbbbbb'));
  });
});

describe('a branch', () => {
  function branch(): PlainNode {
    const node = new PlainNode(new Uint8Array(0), 1);
    const keys = ['', 'bbbbbb', 'cc', 'ddddd'];
    keys.forEach((key, i) => {
      const child = new PlainNode(new Uint8Array(0), 0, 100 + i);
      const { u8, i32, base } = node;
      const count = i * 2 ** 33 + i;
      const bytes = utf8(key);
      insertChild(u8, i32, base, i, bytes, 0, bytes.length, child.i32, child.base, count, i === 2);
    });
    return node;
  }

  it('routes every key to one child', () => {
    const { u8, i32, base } = branch();
    const slotOf = (text: string): number => {
      const key = utf8(text);
      return childSlot(u8, i32, base, key, 0, key.length);
    };
    expect(
      ['', 'a', 'bbbbba', 'bbbbbb', 'c', 'cc', 'cca', 'dddd', 'ddddd', 'z'].map(slotOf),
    ).toEqual([0, 0, 0, 1, 1, 2, 2, 2, 3, 3]);
  });

  it('holds pages, births, counts beyond 32 bits and the overflow note', () => {
    const { i32, base } = branch();
    for (let slot = 0; slot < 4; slot++) {
      const cell = cellAt(i32, base, slot);
      expect(childPage(i32, cell)).toBe(100 + slot);
      expect(childBirth(i32, cell)).toBe(3 * 2 ** 32 + (100 + slot) * 10);
      expect(childCount(i32, cell)).toBe(slot * 2 ** 33 + slot);
      expect(childMayOverflow(i32, cell)).toBe(slot === 2);
      setChildCount(i32, cell, 2 ** 40 + 5);
      expect(childCount(i32, cell)).toBe(2 ** 40 + 5);
      expect(childBirth(i32, cell)).toBe(3 * 2 ** 32 + (100 + slot) * 10);
    }
  });

  it('keeps its first child without a key', () => {
    const node = branch();
    const { u8, i32, base } = node;
    const before = freeBytes(i32, base);
    const gone = 8 + cellBytes(i32, base, 0, false);
    removeSlots(i32, base, 0, 1, false);
    clearKey(i32, base, 0);
    // The tail of 'bbbbbb' is given back too.
    expect(freeBytes(i32, base)).toBe(before + gone + 4);
    rebuildNode(u8, i32, base, PAGE_BYTES, false, 0, 3, new Uint8Array(0), 0);
    expect(freeBytes(i32, base)).toBe(before + gone + 4);
    expect(childPage(i32, cellAt(i32, base, 0))).toBe(101);
    expect(node.key(1, false)).toEqual(utf8('cc'));
  });
});

describe('limits', () => {
  it('let two of the largest leaf entries share a page', () => {
    for (let bytes = PAGE_BYTES_MIN; bytes <= PAGE_BYTES_MAX; bytes *= 2) {
      expect(2 * leafEntryBytesMax(bytes)).toBeLessThanOrEqual(nodeCapacity(bytes));
      // A key of maximum length with an overflow reference always fits.
      expect(leafEntryBytesMax(bytes)).toBeGreaterThan(8 + leafCellBytes(12, KEY_BYTES_MAX));
    }
  });
});
