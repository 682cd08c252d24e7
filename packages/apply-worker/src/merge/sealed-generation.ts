/**
 * A sealed generation of the write buffer as its entry in the pending queue describes it. Layout:
 * `layout/queue.ts`. Threads: apply worker 0.
 */
import {
  ENTRY_ALLOCATED,
  ENTRY_HEADER_WORDS,
  ENTRY_SEQUENCE,
  SEALED_INDEX,
  SEALED_STOPS,
  WIDE_WORDS,
  assert,
  loadWideOwned,
} from '@manifold-db/storage';

export interface SealedGeneration {
  /** Which of the write buffers. */
  readonly index: number;
  /** Sequence of its last commit. */
  readonly sequence: number;
  /** Sequences at which its windows end, ascending: the stops, then `sequence`. */
  readonly ends: readonly number[];
}

/** Reads the entry at `at` of the intake's words. */
export function readSealedGeneration(words: Int32Array, at: number): SealedGeneration {
  const sequence = loadWideOwned(words, at + ENTRY_SEQUENCE);
  const first = at + ENTRY_HEADER_WORDS;
  const last = first + words[at + ENTRY_ALLOCATED]!;
  const ends: number[] = [];
  for (let stop = first + SEALED_STOPS; stop < last; stop += WIDE_WORDS) {
    ends.push(loadWideOwned(words, stop));
  }
  ends.push(sequence);
  for (let i = 1; i < ends.length; i++) {
    assert(ends[i - 1]! < ends[i]!, 'stops ascend and lie before the last commit');
  }
  return { index: words[first + SEALED_INDEX]!, sequence, ends };
}
