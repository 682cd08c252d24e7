/**
 * Long random histories of one tree against an oracle, for tests. Deterministic: everything comes
 * from the seed.
 */
import { Diff } from '../../pages/diff.js';
import { operate } from '../../pages/test-pager.js';
import type { Pager } from '../../pages/pager.js';
import { FREED_WORDS } from '../../layout/queue.js';
import { assert } from '../../assert.js';
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

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Pages (number to birth) that a version consists of, as the checker walks them. */
export function pagesOf(pager: Pager, root: TreeRoot): Map<number, number> {
  const pages = new Map<number, number>();
  operate(pager, () => checkTree(pager, root, (page, birth) => pages.set(page, birth)));
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
  #writer: TreeWriter | undefined;

  constructor(pager: Pager) {
    this.pager = pager;
  }

  get writer(): TreeWriter {
    assert(this.#writer !== undefined, 'a diff is open');
    return this.#writer;
  }

  begin(): void {
    this.diff.reset(this.pager.newToken());
    this.pager.beginOperation();
    this.#writer = new TreeWriter(this.pager, this.diff, this.root);
  }

  /** Ends the diff: the new version becomes the current one. Returns its root. */
  commit(): TreeRoot {
    this.writer.flush();
    this.root.copyFrom(this.writer.root);
    this.#writer = undefined;
    this.pager.endOperation();
    const { diff } = this;
    for (let i = 0; i < diff.allocatedCount; i++) {
      const page = diff.allocated[i]!;
      assert(!this.inUse.has(page), `page ${page} is allocated once`);
      this.inUse.add(page);
    }
    for (let i = 0; i < diff.freedCount; i++) {
      const page = diff.freed[i * FREED_WORDS]!;
      assert(this.inUse.delete(page), `freed page ${page} was in use`);
    }
    const version = new TreeRoot();
    version.copyFrom(this.root);
    return version;
  }

  /** Writes the diff's pages to the file so that their frames can be evicted. */
  spill(): void {
    this.writer.reset();
    this.pager.endOperation();
    this.pager.spill(this.diff);
    this.pager.beginOperation();
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const isNew = this.writer.put(key, 0, key.length, value, 0, value.length);
    assert(isNew === this.oracle.put(key, value), 'put tells whether the key is new');
  }

  delete(key: Uint8Array): void {
    const was = this.writer.delete(key, 0, key.length);
    assert(was === this.oracle.delete(key), 'delete tells whether the key was there');
  }

  deleteRange(low: Uint8Array | undefined, high: Uint8Array | undefined): void {
    const removed = this.writer.deleteRange(low, high);
    assert(removed === this.oracle.deleteRange(low, high), 'deleteRange tells how many');
  }

  /** Structure, count, and that allocated - freed is exactly what the checker visits. */
  check(): void {
    assert(this.root.count === this.oracle.size, 'the root counts the entries');
    const pages = pagesOf(this.pager, this.root);
    assert(pages.size === this.inUse.size, `${pages.size} pages, ${this.inUse.size} accounted for`);
    for (const page of pages.keys()) assert(this.inUse.has(page), `page ${page} is accounted for`);
  }
}
