/**
 * The newest version that survives a loss of power, for reads with `consistency: 'synced'` and for
 * all reads after a failure: admitted root rows of the commits not yet known to be synced, folded
 * into a table of rows as `synced` moves on. Main thread.
 *
 * Invariant: the table stands at a sequence ≤ `synced` ≥ applied. Whoever reads it begins a page
 * operation first and folds then, so that pages superseded later stay until the operation ends.
 */
import { COLUMN_FAMILIES_MAX, PART_WORDS, ROOT_WORDS, type TreeRoot } from '@manifold-db/storage';
import { readRow } from '../families.js';

interface InFlight {
  readonly sequence: number;
  readonly parts: Int32Array;
}

const INITIAL_SLOTS = 16;

export class SyncedView {
  #rows: Int32Array = new Int32Array(INITIAL_SLOTS * ROOT_WORDS);
  #inFlight: InFlight[] = [];
  #first = 0;
  sequence = 0;

  /** The state right after recovery. */
  start(rows: Int32Array, sequence: number): void {
    this.#rows = rows;
    this.sequence = sequence;
  }

  /** Commits not folded yet. */
  get length(): number {
    return this.#inFlight.length - this.#first;
  }

  add(sequence: number, parts: Int32Array, partCount: number): void {
    this.#inFlight.push({ sequence, parts: parts.slice(0, partCount * PART_WORDS) });
  }

  /** Sequences that are admitted and not folded yet. */
  get oldestInFlight(): number | undefined {
    return this.#inFlight[this.#first]?.sequence;
  }

  advance(synced: number): void {
    const list = this.#inFlight;
    while (this.#first < list.length && list[this.#first]!.sequence <= synced) {
      const { sequence, parts } = list[this.#first++]!;
      for (let at = 0; at < parts.length; at += PART_WORDS) {
        this.#set(parts[at]!, parts.subarray(at + 1, at + PART_WORDS));
      }
      this.sequence = sequence;
    }
    if (this.#first === list.length || this.#first > 256) {
      list.splice(0, this.#first);
      this.#first = 0;
    }
  }

  read(slot: number, id: number, root: TreeRoot): void {
    if ((slot + 1) * ROOT_WORDS <= this.#rows.length) {
      readRow(this.#rows, slot * ROOT_WORDS, id, root);
    } else {
      root.page = 0;
      root.birth = 0;
      root.count = 0;
    }
  }

  /** A copy of all rows, for a snapshot. */
  copyRows(): Int32Array {
    return this.#rows.slice();
  }

  #set(slot: number, row: Int32Array): void {
    const at = slot * ROOT_WORDS;
    if (at + ROOT_WORDS > this.#rows.length) {
      const slots = Math.min(COLUMN_FAMILIES_MAX, Math.max(slot + 1, (at / ROOT_WORDS) * 2));
      const grown = new Int32Array(slots * ROOT_WORDS);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows.set(row, at);
  }
}
