/**
 * The tree checker: reads a whole version and verifies everything that node-layout.ts promises.
 * Any thread, inside a pager operation. Not fast: every key is copied and compared.
 */
import { PageKind } from '../format/page-header.js';
import { KEY_BYTES_MAX } from '../limits.js';
import type { Pager } from '../pages/pager.js';
import {
  BRANCH_TAIL,
  HEAD_BIAS,
  HEAD_BYTES,
  NODE_MAY_OVERFLOW,
  WORD_GARBAGE,
  WORD_HEAP_TOP,
  cellAt,
  cellBytesAs,
  childBirth,
  childCount,
  childMayOverflow,
  childPage,
  gapBytes,
  heapEnd,
  nodeFlags,
  slotCount,
  slotWord,
  suffixBytes,
} from './node-layout.js';
import { checkNode, copyKey, corruptPage } from './node-read.js';
import { forEachOverflowPage, forEachPiece } from './overflow-read.js';
import { PageSet, rootLevel } from './tree-pages.js';
import { TreeHit, type TreeRoot, loadHit } from './tree-root.js';

/** Called once per page, children before parents. */
export type CheckVisit = (page: number, birth: number, kind: number) => void;

/** Throws ERR_MANIFOLD_CORRUPT, naming the page, unless the version is sound. */
export function checkTree(pager: Pager, root: TreeRoot, visit?: CheckVisit): void {
  if (root.page === 0) {
    if (root.count !== 0) throw corruptPage(pager, 0, `an empty tree of ${root.count} entries`);
    return;
  }
  const level = rootLevel(pager, root);
  const checker = new TreeChecker(pager, visit ?? (() => {}));
  const below = checker.check(root.page, root.birth, level, { low: undefined, high: undefined });
  if (below.entries !== root.count) {
    const what = `${below.entries} entries in a tree of ${root.count}`;
    throw corruptPage(pager, root.page, what);
  }
  if (level > 0 && below.slots < 2) throw corruptPage(pager, root.page, 'a root with one child');
}

/** Every key of a node is >= low and < high. */
interface Bounds {
  readonly low: Uint8Array | undefined;
  readonly high: Uint8Array | undefined;
}

interface Summary {
  readonly entries: number;
  readonly slots: number;
  readonly overflow: boolean;
}

/** What a branch says of a child, copied out because frames do not last. */
interface Child extends Bounds {
  readonly page: number;
  readonly birth: number;
  readonly count: number;
  readonly flagged: boolean;
}

/** A node as it lies in memory. */
interface View {
  readonly page: number;
  readonly level: number;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly base: number;
}

class TreeChecker {
  readonly #pager: Pager;
  readonly #visit: CheckVisit;
  readonly #seen: PageSet;

  constructor(pager: Pager, visit: CheckVisit) {
    this.#pager = pager;
    this.#visit = visit;
    this.#seen = new PageSet(pager);
  }

  check(page: number, birth: number, level: number, bounds: Bounds): Summary {
    this.#seen.add(page);
    const view = this.#fetch(page, birth, level);
    const slots = slotCount(view.i32, view.base);
    if (slots === 0) throw this.#damage(view, 'an empty node');
    this.#checkHeap(view);
    const keys = this.#checkKeys(view, bounds);
    if (level === 0) return this.#checkLeaf(view, birth);
    const children = this.#children(view, keys, bounds);
    let entries = 0;
    let overflow = false;
    for (const child of children) {
      const below = this.check(child.page, child.birth, level - 1, child);
      if (below.entries !== child.count) {
        const what = `${child.count} entries said to be below page ${child.page}`;
        throw corruptPage(this.#pager, page, `${what}, there are ${below.entries}`);
      }
      if (below.overflow && !child.flagged) {
        throw corruptPage(this.#pager, page, `overflow values below page ${child.page} not noted`);
      }
      entries += below.entries;
      overflow ||= child.flagged;
    }
    this.#visit(page, birth, PageKind.BRANCH);
    return { entries, slots, overflow };
  }

  #damage(view: View, what: string): Error {
    return corruptPage(this.#pager, view.page, what);
  }

  #fetch(page: number, birth: number, level: number): View {
    const pager = this.#pager;
    const frame = pager.fetch(page, birth);
    const u8 = pager.u8[frame >>> pager.regionShift]!;
    const i32 = pager.i32[frame >>> pager.regionShift]!;
    const base = (frame & pager.regionMask) << pager.pageShift;
    const view: View = { page, level, u8, i32, base };
    if (pager.pageOf(frame) !== page) throw this.#damage(view, 'it holds another page');
    if (pager.birthOf(frame) !== birth) throw this.#damage(view, 'it is of another birth');
    checkNode(pager, i32, base, level);
    return view;
  }

  /** Cells lie inside the heap, do not overlap, and make it up together with the garbage. */
  #checkHeap(view: View): void {
    const { i32, base, level } = view;
    const word = base >> 2;
    const heapTop = i32[word + WORD_HEAP_TOP]!;
    const end = heapEnd(i32, base);
    const garbage = i32[word + WORD_GARBAGE]!;
    const count = slotCount(i32, base);
    const spans: { from: number; to: number }[] = [];
    let live = 0;
    for (let slot = 0; slot < count; slot++) {
      const from = cellAt(i32, base, slot) - base;
      if (from < heapTop || from + 4 > end) {
        throw this.#damage(view, `the cell of slot ${slot} is outside`);
      }
      const bytes = cellBytesAs(i32, base + from, level === 0, suffixBytes(i32, base, slot));
      if (bytes <= 0 || from + bytes > end) {
        throw this.#damage(view, `the cell of slot ${slot} leaves the page`);
      }
      spans.push({ from, to: from + bytes });
      live += bytes;
    }
    spans.sort((a, b) => a.from - b.from);
    for (let i = 1; i < spans.length; i++) {
      if (spans[i]!.from < spans[i - 1]!.to) throw this.#damage(view, 'its cells overlap');
    }
    if (live + garbage !== end - heapTop) throw this.#damage(view, 'its heap does not add up');
    if (gapBytes(i32, base) < 0) throw this.#damage(view, 'its slots overlap');
  }

  /** Whole keys in order, inside the bounds; returns the separators of a branch. */
  #checkKeys(view: View, bounds: Bounds): Uint8Array[] {
    const { u8, i32, base, level } = view;
    const keys: Uint8Array[] = [];
    const scratch = new Uint8Array(2 * KEY_BYTES_MAX);
    const count = slotCount(i32, base);
    let before = bounds.low;
    let isFence = true;
    for (let slot = 0; slot < count; slot++) {
      this.#checkHead(view, slot);
      if (level > 0 && slot === 0) {
        if (suffixBytes(i32, base, slot) !== 0) throw this.#damage(view, 'a key in its first slot');
        keys.push(bounds.low ?? new Uint8Array(0));
        continue;
      }
      const bytes = copyKey(u8, i32, base, slot, level === 0, scratch, 0);
      const key = scratch.slice(0, bytes);
      // The first key of a leaf may equal its lower fence; every other order is strict.
      const order = before === undefined ? 1 : Buffer.compare(key, before);
      if (order < 0 || (order === 0 && !(isFence && level === 0))) {
        throw this.#damage(view, `the key of slot ${slot} is out of order`);
      }
      if (bounds.high !== undefined && Buffer.compare(key, bounds.high) >= 0) {
        throw this.#damage(view, `the key of slot ${slot} is above the separator`);
      }
      before = key;
      isFence = false;
      keys.push(key);
    }
    return keys;
  }

  /** A head is padded with zeros. */
  #checkHead(view: View, slot: number): void {
    const { i32, base } = view;
    const suffix = suffixBytes(i32, base, slot);
    const head = i32[slotWord(i32, base, slot)]! ^ HEAD_BIAS;
    if (suffix < HEAD_BYTES && (suffix === 0 ? head : head << (8 * suffix)) !== 0) {
      throw this.#damage(view, `the head of slot ${slot} is damaged`);
    }
  }

  #children(view: View, keys: Uint8Array[], bounds: Bounds): Child[] {
    const { i32, base } = view;
    return keys.map((key, slot) => {
      const cell = cellAt(i32, base, slot);
      if (cell + BRANCH_TAIL > base + this.#pager.pageBytes) {
        throw this.#damage(view, `the cell of slot ${slot} leaves the page`);
      }
      return {
        page: childPage(i32, cell),
        birth: childBirth(i32, cell),
        count: childCount(i32, cell),
        flagged: childMayOverflow(i32, cell),
        low: slot === 0 ? bounds.low : key,
        high: keys[slot + 1] ?? bounds.high,
      };
    });
  }

  #checkLeaf(view: View, birth: number): Summary {
    const { u8, i32, base, page } = view;
    const slots = slotCount(i32, base);
    const flagged = (nodeFlags(i32, base) & NODE_MAY_OVERFLOW) !== 0;
    const values: TreeHit[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const hit = new TreeHit();
      loadHit(this.#pager, u8, i32, base, slot, hit);
      if (hit.overflowPage !== 0) values.push(hit);
    }
    if (values.length > 0 && !flagged) {
      throw this.#damage(view, 'overflow values that the leaf does not note');
    }
    for (const hit of values) this.#checkOverflow(hit);
    this.#visit(page, birth, PageKind.LEAF);
    return { entries: slots, slots, overflow: flagged };
  }

  #checkOverflow(hit: TreeHit): void {
    forEachPiece(this.#pager, hit, () => {});
    const { overflowPage, overflowBirth, overflowDepth } = hit;
    const visit = (page: number, birth: number, level: number): void => {
      this.#seen.add(page);
      this.#visit(page, birth, level === 0 ? PageKind.OVERFLOW_DATA : PageKind.OVERFLOW_INDEX);
    };
    forEachOverflowPage(this.#pager, overflowPage, overflowBirth, overflowDepth, visit);
  }
}
