/**
 * Draining: brings the families of one worker to the group's sequence, entry by entry, and (worker
 * 0) the page account with them. Threads: each apply worker its own families.
 */
import {
  ENTRY_ALLOCATED,
  ENTRY_FLAGS,
  ENTRY_FREED,
  ENTRY_HEADER_WORDS,
  ENTRY_MARK,
  ENTRY_MORE,
  ENTRY_PARTS,
  ENTRY_SEQUENCE,
  FREED_WORDS,
  NO_ENTRY,
  PART_WORDS,
  ROOT_WORDS,
  loadWideOwned,
  stagedRowAt,
  type Shared,
} from '@manifold-db/storage';
import type { Intake } from './intake.js';

const TWO_32 = 0x1_0000_0000;

/** What happens to the pages of the entries, in order: first the allocated ones of a commit. */
export interface PageSink {
  allocated(page: number): void;
  freed(page: number, birth: number, supersededAt: number): void;
}

export interface Drained {
  commits: number;
  /** Mark of the newest commit; unchanged when there was none. */
  mark: number;
}

/** Applies every entry up to `sequence`; adds to `drained`. */
export function drainUpTo(
  shared: Shared,
  intake: Intake,
  sequence: number,
  sink: PageSink | undefined,
  drained: Drained,
): void {
  for (let at = intake.first(sequence); at !== NO_ENTRY; at = intake.first(sequence)) {
    const { words } = intake;
    stageRows(shared.roots, words, at);
    if (sink !== undefined) accountPages(words, at, sink);
    if ((words[at + ENTRY_FLAGS]! & ENTRY_MORE) === 0) {
      drained.commits++;
      drained.mark = loadWideOwned(words, at + ENTRY_MARK);
    }
    intake.drop();
  }
}

/** Plain stores: the worker's REACHED counter, stored afterwards, publishes them to worker 0. */
function stageRows(roots: Int32Array, words: Int32Array, at: number): void {
  const parts = words[at + ENTRY_PARTS]!;
  let part = at + ENTRY_HEADER_WORDS;
  for (let i = 0; i < parts; i++, part += PART_WORDS) {
    roots.set(words.subarray(part + 1, part + 1 + ROOT_WORDS), stagedRowAt(words[part]!));
  }
}

function accountPages(words: Int32Array, at: number, sink: PageSink): void {
  const sequence = loadWideOwned(words, at + ENTRY_SEQUENCE);
  const allocatedEnd =
    at + ENTRY_HEADER_WORDS + words[at + ENTRY_PARTS]! * PART_WORDS + words[at + ENTRY_ALLOCATED]!;
  const allocatedStart = allocatedEnd - words[at + ENTRY_ALLOCATED]!;
  for (let i = allocatedStart; i < allocatedEnd; i++) sink.allocated(words[i]!);
  const freedEnd = allocatedEnd + words[at + ENTRY_FREED]! * FREED_WORDS;
  for (let i = allocatedEnd; i < freedEnd; i += FREED_WORDS) {
    sink.freed(words[i]!, (words[i + 1]! >>> 0) + words[i + 2]! * TWO_32, sequence);
  }
}
