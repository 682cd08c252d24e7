import { describe, expect, it } from 'vitest';
import { MIB } from '../limits.js';
import { seededRandom, utf8 } from '../tree/testing/history.js';
import { GenerationsWalk } from './generations-walk.js';
import { BufferMergeWalk } from './merge-walk.js';
import { TestBuffer, below, keyMakers } from './testing/history.js';
import { type TestOperation, addOperations } from './testing/operations.js';
import { type Trees, textOf } from './testing/oracle.js';
import type { BufferRange } from './tombstones.js';
import type { WriteBuffer } from './write-buffer.js';

const FAMILIES = [10, 11, 12];

function isInside({ low, high }: BufferRange, key: Uint8Array): boolean {
  if (low !== undefined && Buffer.compare(key, low) < 0) return false;
  return high === undefined || Buffer.compare(key, high) < 0;
}

function clearRanges(tree: Map<string, Uint8Array>, ranges: readonly BufferRange[]): void {
  for (const text of tree.keys()) {
    const key = Buffer.from(text, 'latin1');
    if (ranges.some((range) => isInside(range, key))) tree.delete(text);
  }
}

function change(tree: Map<string, Uint8Array>, entry: BufferMergeWalk): void {
  const { bytes, keyOffset, keyBytes, valueOffset, valueBytes } = entry;
  const key = textOf(bytes.subarray(keyOffset, keyOffset + keyBytes));
  if (entry.isDelete) tree.delete(key);
  else tree.set(key, bytes.subarray(valueOffset, valueOffset + valueBytes));
}

function treeOf(trees: Trees, familyId: number): Map<string, Uint8Array> {
  const tree = trees.get(familyId) ?? new Map<string, Uint8Array>();
  trees.set(familyId, tree);
  return tree;
}

/** One generation after another: what must come out. */
function mergeAlone(trees: Trees, buffer: WriteBuffer, above: number): void {
  const walk = new BufferMergeWalk();
  walk.reset(buffer, above, buffer.lastSequence);
  while (walk.nextFamily()) {
    const tree = treeOf(trees, walk.familyId);
    if (walk.isDropped) trees.delete(walk.familyId);
    clearRanges(tree, walk.tombstones);
    while (walk.nextEntry()) change(tree, walk);
  }
}

/** Returns how many entries there were. */
function mergeTogether(trees: Trees, buffers: readonly WriteBuffer[], above: number): number {
  const walk = new GenerationsWalk(buffers, above, buffers.at(-1)!.lastSequence);
  const families = new Set<number>();
  let entries = 0;
  while (walk.nextFamily()) {
    const { familyId } = walk;
    expect(families.has(familyId)).toBe(false);
    families.add(familyId);
    const tree = treeOf(trees, familyId);
    if (walk.isDropped) {
      expect(walk.tombstones).toEqual([]);
      expect(walk.nextEntry()).toBe(false);
      trees.delete(familyId);
      continue;
    }
    clearRanges(tree, walk.tombstones);
    let before: Buffer | undefined;
    while (walk.nextEntry()) {
      const { bytes, keyOffset, keyBytes } = walk.entry;
      const key = Buffer.from(bytes.subarray(keyOffset, keyOffset + keyBytes));
      if (before !== undefined) expect(Buffer.compare(before, key)).toBe(-1);
      before = key;
      change(tree, walk.entry);
      entries++;
    }
    expect(walk.nextEntry()).toBe(false);
  }
  expect(walk.nextFamily()).toBe(false);
  return entries;
}

function contentOf(trees: Trees): string[] {
  const lines: string[] = [];
  for (const [family, tree] of trees) {
    for (const [key, value] of tree) lines.push(`${family} ${key} ${textOf(value)}`);
  }
  return lines.sort();
}

function copyOf(trees: Trees): Trees {
  return new Map([...trees].map(([family, tree]) => [family, new Map(tree)]));
}

/** Generations with one history; what one of them drops does not come again. */
function generationsOf(name: string, count: number, random: () => number): TestBuffer[] {
  const dropped = new Set<number>();
  let firstSequence = 1;
  return Array.from({ length: count }, () => {
    const test = new TestBuffer(2 * MIB, random, dropped);
    test.run({
      makeKey: keyMakers[name]!,
      families: FAMILIES.length,
      commits: 12,
      operationsMax: 25,
      clearsMax: below(random, 6),
      firstSequence,
    });
    firstSequence = test.buffer.lastSequence + 1;
    return test;
  });
}

describe.each(Object.keys(keyMakers))('generations of %s', (name) => {
  it.each([1, 2, 3, 4])('merged together are as merged one by one, seed %i', (seed) => {
    const random = seededRandom(seed * 719 + name.length);
    const tests = generationsOf(name, seed === 1 ? 1 : 3, random);
    const buffers = tests.map(({ buffer }) => buffer);
    const first = buffers[0]!;
    // The window may begin inside the oldest one.
    for (const above of [first.firstSequence - 1, first.firstSequence + 4]) {
      const alone: Trees = new Map();
      for (const family of FAMILIES) {
        for (const { oracle } of tests) {
          for (const key of oracle.keysOf(family)) {
            if (random() < 0.5) treeOf(alone, family).set(textOf(key), utf8('old'));
          }
        }
      }
      const together = copyOf(alone);
      for (const buffer of buffers) mergeAlone(alone, buffer, above);
      const entries = mergeTogether(together, buffers, above);
      expect(contentOf(together)).toEqual(contentOf(alone));
      expect(entries).toBeGreaterThan(0);
    }
  });
});

describe('generations together', () => {
  const put = (family: number, key: string, value = 'v'): TestOperation => {
    return { kind: 'put', family, key: utf8(key), value: utf8(value) };
  };
  const clear = (family: number, low?: string, high?: string): TestOperation => {
    const range = { low: low && utf8(low), high: high && utf8(high) };
    return { kind: 'clear', family, low: range.low || undefined, high: range.high || undefined };
  };

  function summary(generations: readonly (readonly TestOperation[])[]): string[] {
    const buffers = generations.map((operations, at) => {
      const { buffer } = new TestBuffer(MIB, seededRandom(1));
      addOperations(buffer, operations, at + 1);
      return buffer;
    });
    const walk = new GenerationsWalk(buffers, 0, buffers.length);
    const lines: string[] = [];
    while (walk.nextFamily()) {
      const entries: string[] = [];
      while (walk.nextEntry()) {
        const { bytes, keyOffset, keyBytes, valueOffset, valueBytes, isDelete } = walk.entry;
        const value = textOf(bytes.subarray(valueOffset, valueOffset + valueBytes));
        const key = textOf(bytes.subarray(keyOffset, keyOffset + keyBytes));
        entries.push(isDelete ? `-${key}` : `${key}=${value}`);
      }
      const ranges = walk.tombstones.map(({ low, high }) => {
        return `${textOf(low ?? utf8('*'))}-${textOf(high ?? utf8('*'))}`;
      });
      const mark = walk.isDropped ? ' dropped' : '';
      lines.push(`${walk.familyId}${mark} [${ranges.join(' ')}] ${entries.join(' ')}`.trim());
    }
    return lines;
  }

  it('show the newest version of a key', () => {
    const generations = [
      [put(1, 'a', 'old'), put(1, 'b', 'old'), put(1, 'd', 'old')],
      [put(1, 'b', 'new'), { kind: 'delete', family: 1, key: utf8('c') } as const],
      [put(1, 'a', 'newest'), put(1, 'c', 'newest')],
    ];
    expect(summary(generations)).toEqual(['1 [] a=newest b=new c=newest d=old']);
  });

  it('show nothing of what a newer one clears, and all of what it puts afterwards', () => {
    const generations = [
      [clear(1, 'x'), put(1, 'a'), put(1, 'b'), put(1, 'c')],
      [put(1, 'b', 'again'), clear(1, 'b', 'c'), clear(1, 'c', 'd')],
      [put(1, 'c', 'new')],
    ];
    expect(summary(generations)).toEqual(['1 [x-* b-c c-d] a=v c=new']);
  });

  it('name families in the order in which they came', () => {
    const generations = [
      [put(3, 'a'), put(1, 'a')],
      [{ kind: 'drop', family: 3 } as const, { kind: 'create', family: 7 } as const, put(1, 'b')],
      [put(7, 'a'), put(5, 'a')],
    ];
    const families = ['3 dropped []', '1 [] a=v b=v', '7 [] a=v', '5 [] a=v'];
    expect(summary(generations)).toEqual(families);
  });
});
