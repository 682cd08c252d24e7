/**
 * Long random histories of one tree against an oracle, for tests. Deterministic: everything comes
 * from the seed.
 */
import { expect } from 'vitest';
import { Diff } from '../../pages/diff.js';
import type { Pager } from '../../pages/pager.js';
import { checkTree } from '../check-tree.js';
import { TreeRoot } from '../tree-root.js';
import { TreeWriter } from '../tree-writer.js';
import { Oracle } from './oracle.js';

/** mulberry32: small, seeded, good enough for tests. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}

/** Pages (page to birth) that a version consists of, by walking it with the checker. */
export function pagesOf(pager: Pager, root: TreeRoot): Map<number, number> {
  const pages = new Map<number, number>();
  pager.beginOperation();
  try {
    checkTree(pager, root, (page, birth) => {
      expect(pages.has(page)).toBe(false);
      pages.set(page, birth);
    });
  } finally {
    pager.endOperation();
  }
  return pages;
}

/** One tree, its oracle, and the page accounting of the diffs built so far. */
export class TestTree {
  readonly pager: Pager;
  readonly root = new TreeRoot();
  oracle = new Oracle();
  /** Pages of the current version by the diffs' account. */
  readonly inUse = new Set<number>();
  readonly diff = new Diff();
  writer!: TreeWriter;

  constructor(pager: Pager) {
    this.pager = pager;
  }

  begin(): TreeWriter {
    this.diff.reset(this.pager.newToken());
    this.pager.beginOperation();
    this.writer = new TreeWriter(this.pager, this.diff, this.root);
    return this.writer;
  }

  /** Ends the diff: the new version becomes the current one. Returns it. */
  commit(): TreeRoot {
    this.writer.flush();
    this.root.copyFrom(this.writer.root);
    this.pager.endOperation();
    const { diff } = this;
    for (let i = 0; i < diff.allocatedCount; i++) {
      const page = diff.allocated[i]!;
      expect(this.inUse.has(page)).toBe(false);
      this.inUse.add(page);
    }
    const freed = new Set<number>();
    for (let i = 0; i < diff.freedCount; i++) {
      const page = diff.freed[i * 3]!;
      expect(freed.has(page)).toBe(false);
      freed.add(page);
      expect(this.inUse.delete(page)).toBe(true);
    }
    const version = new TreeRoot();
    version.copyFrom(this.root);
    return version;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const isNew = this.writer.put(key, 0, key.length, value, 0, value.length);
    expect(isNew).toBe(this.oracle.put(key, value));
  }

  delete(key: Uint8Array): void {
    expect(this.writer.delete(key, 0, key.length)).toBe(this.oracle.delete(key));
  }

  deleteRange(low: Uint8Array | undefined, high: Uint8Array | undefined): void {
    expect(this.writer.deleteRange(low, high)).toBe(this.oracle.deleteRange(low, high));
  }

  /** Structure, count, and that allocated - freed is exactly what the checker visits. */
  check(): void {
    expect(this.root.count).toBe(this.oracle.size);
    const pages = pagesOf(this.pager, this.root);
    expect([...pages.keys()].sort((a, b) => a - b)).toEqual(
      [...this.inUse].sort((a, b) => a - b),
    );
  }
}
