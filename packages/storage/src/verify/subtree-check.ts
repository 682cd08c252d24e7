/**
 * The page checker: walks a subtree in the data file, checks every page against what its parent
 * says of it, and goes on behind damage. Large subtrees are handed back in parts, so that a pool of
 * threads can share one tree. Any thread.
 *
 * Invariants
 * 1. Each page is checked against the claim of its parent alone (birth, level, bounds, entries,
 *    overflow note), so checking every part checks the whole.
 * 2. A page is walked at most once per call; who joins the parts checks that they share no page.
 * 3. `pages` are the pages reached, damaged ones included; the first page of the subtree is the
 *    caller's to count.
 */
import { PageBitmap } from '../checkpoint/page-bitmap.js';
import { PageKind } from '../format/page-header.js';
import { VALUE_BYTES_MAX } from '../limits.js';
import {
  NODE_MAY_OVERFLOW,
  OVERFLOW_BODY_OFFSET,
  OVERFLOW_ENTRY_BYTES,
  TWO_32,
  VALUE_BYTES_MASK,
  WORD_BIRTH_HIGH_KIND_LEVEL,
  WORD_OVERFLOW_COUNT,
  cellAt,
  childBirth,
  childCount,
  childMayOverflow,
  childPage,
  kindLevel,
  nodeFlags,
  slotCount,
  suffixBytes,
  valueAt,
} from '../tree/node-layout.js';
import { overflowDepth, overflowFanOut, overflowPayloadBytes } from '../tree/overflow-read.js';
import { NodeChecker, claimedLevel, keyOf, type KeyBounds } from './node-check.js';
import { PageBuffer, type PageProblem, type PageSource } from './page-source.js';

/** What a parent says of a subtree; can be cloned into another thread. */
export interface SubtreeClaim extends KeyBounds {
  readonly page: number;
  readonly birth: number;
  /** `undefined` for the root of a tree. */
  readonly level: number | undefined;
  readonly entries: number;
  readonly mayOverflow: boolean;
}

export interface SubtreeReport {
  /** Pages below the first one that were reached, in the order of the walk. */
  readonly pages: Int32Array;
  /** Entries of the leaves that were read. */
  readonly entries: number;
  /** Parts left to the caller. */
  readonly parts: readonly SubtreeClaim[];
  readonly problems: readonly PageProblem[];
  /** False when damage hides pages: what was not reached may still be in use. */
  readonly isComplete: boolean;
}

export interface SubtreeOptions {
  /** Subtrees of more entries are handed back in parts. */
  readonly entriesMax: number;
  /** Called now and then; may throw to end the walk. */
  readonly poll: () => void;
  /** Called for every entry of a sound leaf whose value stands in it; both are copies. */
  readonly onEntry?: (key: Uint8Array, value: Uint8Array) => void;
}

/** An overflow value keeps many pages busy: it counts for this many entries. */
const OVERFLOW_WEIGHT = 64;
const BASE = 0;

/** The claim that a catalog entry or a meta page makes of a tree; `page` is not 0. */
export function rootClaim(page: number, birth: number, entries: number): SubtreeClaim {
  return {
    page,
    birth,
    level: undefined,
    entries,
    mayOverflow: true,
    low: undefined,
    high: undefined,
  };
}

/** Checks a subtree whose first page is inside the file. */
export function checkSubtree(
  source: PageSource,
  claim: SubtreeClaim,
  options: SubtreeOptions,
): SubtreeReport {
  const check = new SubtreeCheck(source, options);
  check.start(claim);
  return check.report();
}

class SubtreeCheck {
  readonly #source: PageSource;
  readonly #options: SubtreeOptions;
  readonly #nodes: NodeChecker;
  /** By level, because a node is read on while its children are checked. */
  readonly #nodeBuffers: PageBuffer[] = [];
  readonly #overflowBuffers: PageBuffer[] = [];
  readonly #seen = new PageBitmap();
  #pages = new Int32Array(64);
  #pageCount = 0;
  #entries = 0;
  readonly #parts: SubtreeClaim[] = [];
  readonly #problems: PageProblem[] = [];
  #isComplete = true;

  constructor(source: PageSource, options: SubtreeOptions) {
    this.#source = source;
    this.#options = options;
    this.#nodes = new NodeChecker(source.pageBytes);
  }

  start(claim: SubtreeClaim): void {
    this.#seen.add(claim.page);
    this.#check(claim);
  }

  report(): SubtreeReport {
    return {
      pages: this.#pages.slice(0, this.#pageCount),
      entries: this.#entries,
      parts: this.#parts,
      problems: this.#problems,
      isComplete: this.#isComplete,
    };
  }

  #problem(page: number, message: string): void {
    const name = `page ${page}: `;
    this.#problems.push({ page, message: message.startsWith(name) ? message : name + message });
  }

  /** Damage behind which pages are hidden. */
  #hiding(page: number, message: string): void {
    this.#problem(page, message);
    this.#isComplete = false;
  }

  /** Whether `from` may lead on to `page`. */
  #reach(page: number, from: number): boolean {
    if (!this.#source.isInside(page)) {
      this.#hiding(from, `refers to page ${page}, which is outside the file`);
      return false;
    }
    if (!this.#seen.add(page)) {
      this.#problem(page, 'two places refer to it');
      return false;
    }
    if (this.#pageCount === this.#pages.length) {
      const grown = new Int32Array(2 * this.#pageCount);
      grown.set(this.#pages);
      this.#pages = grown;
    }
    this.#pages[this.#pageCount++] = page;
    return true;
  }

  #check(claim: SubtreeClaim): void {
    this.#options.poll();
    const { page, birth } = claim;
    // The root's level is known only once it was read.
    const node = claim.level === undefined ? this.#buffer(0) : this.#buffer(claim.level);
    const damage = this.#source.read(page, birth, node);
    if (damage !== undefined) return this.#hiding(page, damage);
    const level = claim.level ?? claimedLevel(node);
    if (level === undefined) return this.#hiding(page, 'its level is impossible');
    const problem = this.#nodes.problem(node, level, claim);
    if (problem !== undefined) return this.#hiding(page, problem);
    if (claim.level === undefined && level > 0) {
      if (slotCount(node.i32, BASE) < 2) this.#problem(page, 'a root with one child');
      // Level 0 is free again for the leaves.
      this.#buffer(level).u8.set(node.u8);
    }
    if (level === 0) this.#checkLeaf(node, claim);
    else this.#checkBranch(this.#buffer(level), level, claim);
  }

  #buffer(level: number): PageBuffer {
    return (this.#nodeBuffers[level] ??= new PageBuffer(this.#source.pageBytes));
  }

  #checkBranch(node: PageBuffer, level: number, claim: SubtreeClaim): void {
    const children = childClaims(node, level, claim);
    let entries = 0;
    for (const child of children) entries += child.entries;
    this.#checkEntries(claim, entries);
    this.#checkNote(
      claim,
      children.some((child) => child.mayOverflow),
    );
    const weight = claim.mayOverflow ? OVERFLOW_WEIGHT : 1;
    const isSplit = claim.entries * weight > this.#options.entriesMax;
    for (const child of children) {
      if (isSplit) this.#handBack(child, claim.page);
      else if (this.#reach(child.page, claim.page)) this.#check(child);
    }
  }

  /** The caller counts the first page of a part. */
  #handBack(child: SubtreeClaim, from: number): void {
    if (this.#source.isInside(child.page)) this.#parts.push(child);
    else this.#hiding(from, `refers to page ${child.page}, which is outside the file`);
  }

  #checkEntries({ page, entries }: SubtreeClaim, found: number): void {
    if (found === entries) return;
    this.#problem(page, `${found} entries, its parent counts ${entries}`);
  }

  #checkNote({ page, mayOverflow }: SubtreeClaim, found: boolean): void {
    if (!found || mayOverflow) return;
    this.#problem(page, 'its parent does not note that it may hold overflow values');
  }

  #checkLeaf(node: PageBuffer, claim: SubtreeClaim): void {
    const { i32 } = node;
    const { page } = claim;
    const slots = slotCount(i32, BASE);
    const isNoted = (nodeFlags(i32, BASE) & NODE_MAY_OVERFLOW) !== 0;
    this.#entries += slots;
    this.#checkEntries(claim, slots);
    this.#checkNote(claim, isNoted);
    let hasOverflow = false;
    for (let slot = 0; slot < slots; slot++) {
      const cell = cellAt(i32, BASE, slot);
      const value = i32[cell >> 2]!;
      const at = valueAt(cell, suffixBytes(i32, BASE, slot));
      if (value >= 0) this.#deliver(node, slot, at, value);
      else this.#checkValue(i32, at, value & VALUE_BYTES_MASK, page);
      hasOverflow ||= value < 0;
    }
    if (hasOverflow && !isNoted) this.#problem(page, 'overflow values that it does not note');
  }

  #deliver(node: PageBuffer, slot: number, valueOffset: number, valueBytes: number): void {
    const { onEntry } = this.#options;
    if (onEntry === undefined) return;
    onEntry(keyOf(node, slot, 0), node.u8.slice(valueOffset, valueOffset + valueBytes));
  }

  /** The overflow value of `total` bytes whose reference stands at offset `at` of the leaf. */
  #checkValue(i32: Int32Array, at: number, total: number, leaf: number): void {
    const word = at >> 2;
    const page = i32[word]!;
    const birth = referenceBirth(i32, word);
    const depth = i32[word + 2]! >>> 16;
    const isPossible = total <= VALUE_BYTES_MAX;
    if (!isPossible || depth !== overflowDepth(this.#source.pageBytes, total)) {
      this.#hiding(leaf, `an impossible overflow value of ${total} bytes`);
      return;
    }
    const end = this.#checkOverflow({ page, birth, level: depth, from: leaf }, total, 0);
    if (end < total) this.#problem(page, `an overflow value of ${total} bytes holds ${end}`);
  }

  /**
   * Checks the pages below a reference inside a value of `total` bytes, from `offset` on; returns
   * where the value goes on behind them, which is known behind damage too.
   */
  #checkOverflow(reference: OverflowReference, total: number, offset: number): number {
    const { page, birth, level, from } = reference;
    const { pageBytes } = this.#source;
    const whole = overflowPayloadBytes(pageBytes) * overflowFanOut(pageBytes) ** level;
    const end = Math.min(total, offset + whole);
    this.#options.poll();
    if (!this.#reach(page, from)) return end;
    const buffer = (this.#overflowBuffers[level] ??= new PageBuffer(pageBytes));
    const damage = this.#source.read(page, birth, buffer) ?? overflowProblem(buffer, level);
    if (damage !== undefined) {
      this.#problem(page, damage);
      // A data page leads nowhere.
      this.#isComplete &&= level === 0;
      return end;
    }
    const count = buffer.i32[WORD_OVERFLOW_COUNT]! >>> 0;
    if (level > 0) return this.#checkIndex(reference, buffer, count, total, offset);
    if (count !== end - offset) {
      this.#problem(page, `${count} payload bytes instead of ${end - offset}`);
    }
    return end;
  }

  #checkIndex(
    { page, level }: OverflowReference,
    { i32 }: PageBuffer,
    count: number,
    total: number,
    offset: number,
  ): number {
    if (count === 0 || count > overflowFanOut(this.#source.pageBytes)) {
      this.#hiding(page, `${count} entries in an overflow index`);
      return offset;
    }
    let at = offset;
    for (let entry = 0; entry < count; entry++) {
      if (at === total) {
        this.#hiding(page, 'it refers to more pages than its value has');
        break;
      }
      const word = (OVERFLOW_BODY_OFFSET + entry * OVERFLOW_ENTRY_BYTES) >> 2;
      const birth = referenceBirth(i32, word);
      const child = { page: i32[word]!, birth, level: level - 1, from: page };
      at = this.#checkOverflow(child, total, at);
    }
    return at;
  }
}

/** Where overflow page `page` is referred to. */
interface OverflowReference {
  readonly page: number;
  readonly birth: number;
  /** 0 for a data page. */
  readonly level: number;
  readonly from: number;
}

function overflowProblem({ i32 }: PageBuffer, level: number): string | undefined {
  const kind = level === 0 ? PageKind.OVERFLOW_DATA : PageKind.OVERFLOW_INDEX;
  const isExpected = i32[WORD_BIRTH_HIGH_KIND_LEVEL]! >>> 16 === kindLevel(kind, level);
  return isExpected ? undefined : `not an overflow page of level ${level}`;
}

/** Birth in an overflow reference or an entry of an overflow index at `word`. */
function referenceBirth(i32: Int32Array, word: number): number {
  return (i32[word + 2]! & 0xffff) * TWO_32 + (i32[word + 1]! >>> 0);
}

function childClaims(node: PageBuffer, level: number, bounds: KeyBounds): SubtreeClaim[] {
  const { i32 } = node;
  const slots = slotCount(i32, BASE);
  const keys: Uint8Array[] = [];
  for (let slot = 0; slot < slots; slot++) keys.push(keyOf(node, slot, level));
  return keys.map((key, slot) => {
    const cell = cellAt(i32, BASE, slot);
    return {
      page: childPage(i32, cell),
      birth: childBirth(i32, cell),
      level: level - 1,
      entries: childCount(i32, cell),
      mayOverflow: childMayOverflow(i32, cell),
      low: slot === 0 ? bounds.low : key,
      high: keys[slot + 1] ?? bounds.high,
    };
  });
}
