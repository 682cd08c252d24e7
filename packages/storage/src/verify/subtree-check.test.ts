import { describe, expect, it } from 'vitest';
import type { Meta } from '../format/meta.js';
import { PAGE_HEADER_LEVEL, PageKind, sealPage } from '../format/page-header.js';
import { MIB } from '../limits.js';
import { Diff } from '../pages/diff.js';
import { createTestPager } from '../pages/test-pager.js';
import type { Pager } from '../pages/pager.js';
import { TreeRoot, TreeWriter, checkTree } from '../tree/index.js';
import { WORD_COUNTS } from '../tree/node-layout.js';
import { PageSource } from './page-source.js';
import { checkSubtree, rootClaim, type SubtreeClaim, type SubtreeReport } from './subtree-check.js';

const WHOLE = { entriesMax: Infinity, poll: () => {} };

interface TestTree {
  readonly pager: Pager;
  readonly root: TreeRoot;
  /** Kind of each page of the tree. */
  readonly kinds: Map<number, number>;
}

function key(index: number): Uint8Array {
  return Buffer.from(`key-${String(index).padStart(8, '0')}`);
}

/** A tree in the pager's file, nothing of it in memory only. */
function buildTree(entries: number, valueBytes: (index: number) => number): TestTree {
  const pager = createTestPager({ cacheBytes: 64 * MIB });
  const diff = new Diff();
  diff.reset(pager.newToken());
  pager.beginOperation();
  const writer = new TreeWriter(pager, diff, new TreeRoot());
  for (let index = 0; index < entries; index++) {
    const value = new Uint8Array(valueBytes(index)).fill(index);
    const bytes = key(index);
    writer.put(bytes, 0, bytes.length, value, 0, value.length);
  }
  writer.flush();
  const root = new TreeRoot();
  root.copyFrom(writer.root);
  const kinds = new Map<number, number>();
  checkTree(pager, root, (page, _birth, kind) => kinds.set(page, kind));
  writer.reset();
  pager.endOperation();
  pager.spill(diff);
  return { pager, root, kinds };
}

function sourceOf({ pager }: TestTree): PageSource {
  const meta: Partial<Meta> = {
    pageBytes: pager.pageBytes,
    pageCount: pager.file!.size() / pager.pageBytes,
    birthCounter: pager.birthMark(),
  };
  return new PageSource(pager.file!, pager.path, meta as Meta);
}

function claimOf({ root }: TestTree): SubtreeClaim {
  return rootClaim(root.page, root.birth, root.count);
}

function check(tree: TestTree, claim = claimOf(tree)): SubtreeReport {
  return checkSubtree(sourceOf(tree), claim, WHOLE);
}

/** Changes one page of the file and seals it again, as a bug would, not a bad disk. */
function forge({ pager }: TestTree, page: number, change: (bytes: Uint8Array) => void): void {
  const bytes = new Uint8Array(pager.pageBytes);
  pager.file!.read(bytes, page * pager.pageBytes);
  change(bytes);
  sealPage(bytes, page);
  pager.file!.write([bytes], page * pager.pageBytes);
}

function flipBit({ pager }: TestTree, page: number): void {
  const bytes = new Uint8Array(1);
  const offset = page * pager.pageBytes + 2000;
  pager.file!.read(bytes, offset);
  bytes[0]! ^= 4;
  pager.file!.write([bytes], offset);
}

function pagesOf(tree: TestTree, kind: number): number[] {
  return [...tree.kinds].filter(([, own]) => own === kind).map(([page]) => page);
}

/** Some inline values, some of one data page, some with an index. */
function mixed(index: number): number {
  if (index % 97 === 0) return 30_000;
  return index % 41 === 0 ? 2_000 : 100;
}

describe('checkSubtree', () => {
  it('reaches exactly the pages of a sound tree', () => {
    const tree = buildTree(5000, mixed);
    const report = check(tree);
    expect(report.problems).toEqual([]);
    expect(report.isComplete).toBe(true);
    expect(report.entries).toBe(5000);
    expect([...report.pages, tree.root.page].sort()).toEqual([...tree.kinds.keys()].sort());
  });

  it('hands large subtrees back in parts that cover the same pages', () => {
    const tree = buildTree(20_000, (index) => (index % 500 === 0 ? 5_000 : 20));
    const queue: SubtreeClaim[] = [claimOf(tree)];
    const reached: number[] = [];
    let entries = 0;
    let calls = 0;
    for (let claim = queue.pop(); claim !== undefined; claim = queue.pop()) {
      const report = checkSubtree(sourceOf(tree), claim, { ...WHOLE, entriesMax: 2000 });
      expect(report.problems).toEqual([]);
      reached.push(claim.page, ...report.pages);
      entries += report.entries;
      queue.push(...report.parts);
      calls++;
    }
    expect(calls).toBeGreaterThan(5);
    expect(entries).toBe(20_000);
    expect(reached.sort()).toEqual([...tree.kinds.keys()].sort());
  });

  it('delivers the entries whose values stand in leaves', () => {
    const tree = buildTree(300, mixed);
    const found: string[] = [];
    const onEntry = (bytes: Uint8Array, value: Uint8Array) => {
      found.push(Buffer.from(bytes).toString());
      expect(value.length).toBe(100);
    };
    checkSubtree(sourceOf(tree), claimOf(tree), { ...WHOLE, onEntry });
    const inline = Array.from({ length: 300 }, (_, index) => index)
      .filter((index) => mixed(index) === 100)
      .map((index) => Buffer.from(key(index)).toString());
    expect(found).toEqual(inline);
  });

  it('names a page of any kind with a flipped bit, and goes on behind it', () => {
    for (const [name, kind] of Object.entries(PageKind).slice(0, 4)) {
      const tree = buildTree(20_000, mixed);
      const pages = pagesOf(tree, kind).filter((page) => page !== tree.root.page);
      expect(pages.length, name).toBeGreaterThan(1);
      const [first, last] = [pages[0]!, pages.at(-1)!];
      flipBit(tree, first);
      flipBit(tree, last);
      const report = check(tree);
      const named = report.problems.map(({ page, message }) => ({ page, message }));
      expect(named, name).toHaveLength(2);
      for (const page of [first, last]) {
        expect(named).toContainEqual({ page, message: `page ${page}: checksum mismatch` });
      }
      expect(report.isComplete, name).toBe(kind === PageKind.OVERFLOW_DATA);
    }
  });

  it('finds a page of another birth than its parent expects', () => {
    const tree = buildTree(5000, mixed);
    const claim = { ...claimOf(tree), birth: tree.root.birth - 1 };
    const [problem] = check(tree, claim).problems;
    expect(problem).toMatchObject({ page: tree.root.page });
    expect(problem?.message).toMatch(/its parent expects/);
  });

  it('finds wrong counts, bounds and levels although the checksums are right', () => {
    const tree = buildTree(5000, mixed);
    const wrongCount = check(tree, { ...claimOf(tree), entries: 4999 });
    expect(wrongCount.problems[0]?.message).toMatch(/5000 entries, its parent counts 4999/);
    const wrongLow = check(tree, { ...claimOf(tree), low: key(7) });
    expect(wrongLow.problems[0]?.message).toMatch(/out of order/);
    const wrongHigh = check(tree, { ...claimOf(tree), high: key(4998) });
    expect(wrongHigh.problems[0]?.message).toMatch(/above the separator/);
    const leaf = pagesOf(tree, PageKind.LEAF)[3]!;
    forge(tree, leaf, (bytes) => {
      bytes[PAGE_HEADER_LEVEL] = 1;
    });
    expect(check(tree).problems).toEqual([
      { page: leaf, message: `page ${leaf}: not a tree page of level 0` },
    ]);
  });

  it('finds every damaged word of a header or slot table, or none of it matters', () => {
    const tree = buildTree(400, () => 60);
    const leaf = pagesOf(tree, PageKind.LEAF)[1]!;
    const original = new Uint8Array(tree.pager.pageBytes);
    tree.pager.file!.read(original, leaf * tree.pager.pageBytes);
    for (let at = WORD_COUNTS * 4; at < 200; at++) {
      forge(tree, leaf, (bytes) => {
        bytes.set(original);
        bytes[at]! ^= 0xff;
      });
      // Flags, and bytes of keys that keep their order, may go unnoticed; nothing may throw.
      const { problems } = check(tree);
      for (const { page } of problems) expect(tree.kinds.has(page)).toBe(true);
      if (at < WORD_COUNTS * 4 + 12) expect(problems, `byte ${at}`).not.toEqual([]);
    }
  });

  it('reports a page that two places refer to, and one outside the file', () => {
    const tree = buildTree(5000, mixed);
    const values = pagesOf(tree, PageKind.OVERFLOW_INDEX);
    const [first, second] = [values[0]!, values[1]!];
    const other = new Uint8Array(tree.pager.pageBytes);
    tree.pager.file!.read(other, second * tree.pager.pageBytes);
    // Entries of the index: page, birth low, birth high; three words each behind the header.
    forge(tree, first, (bytes) => bytes.set(other.subarray(32, 44), 32));
    const twice = check(tree).problems;
    expect(twice.map(({ message }) => message).join()).toMatch(/two places refer to it/);
    forge(tree, first, (bytes) => bytes.fill(0x7f, 32, 36));
    const outside = check(tree);
    expect(outside.problems[0]).toMatchObject({ page: first });
    expect(outside.problems[0]?.message).toMatch(/outside the file/);
    expect(outside.isComplete).toBe(false);
    forge(tree, first, (bytes) => bytes.fill(0, 32, 36));
    expect(check(tree).problems[0]?.message).toMatch(/refers to page 0/);
  });

  it('ends when told to', () => {
    const tree = buildTree(5000, mixed);
    let calls = 0;
    const poll = () => {
      if (++calls > 3) throw new Error('stop');
    };
    expect(() => checkSubtree(sourceOf(tree), claimOf(tree), { ...WHOLE, poll })).toThrow('stop');
  });
});
