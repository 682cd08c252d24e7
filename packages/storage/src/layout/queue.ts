/**
 * Shared-memory layout of the pending queue: what was appended and waits to be applied.
 *
 * Control (Int32Array); positions are words mod 2^32
 * | word        | name          | writer                                                  | rings |
 * |-------------|---------------|---------------------------------------------------------|-------|
 * | 0           | QUEUE_HEAD    | holder of the append lock, last: end of the published entries | apply, when it may be due |
 * | 1           | QUEUE_ENTRIES | holder of the append lock: commits pushed, mod 2^32     |       |
 * | 16          | QUEUE_POPPED  | apply worker 0: commits applied, mod 2^32               | main  |
 * | 18, 19      | QUEUE_TARGET  | apply worker 0: wide; sequence that all workers bring their families to | apply |
 * | 32 + 16 * w | QUEUE_CURSOR  | apply worker w: how far it has read; words behind the slowest cursor are free | main |
 * | 33 + 16 * w | QUEUE_REACHED | apply worker w: wide; sequence its families stand at    | apply 0 |
 *
 * Words (Int32Array, a power of two): entries, each contiguous; QUEUE_SKIP as first word sends the
 * reader to the start of the region.
 *
 * | word   | name                                                                              |
 * |--------|-----------------------------------------------------------------------------------|
 * | 0      | ENTRY_WORDS: length of the entry, or QUEUE_SKIP                                   |
 * | 1      | ENTRY_KIND: PENDING_COMMIT (page diff) or SEALED_BUFFER                           |
 * | 2      | ENTRY_FLAGS: ENTRY_MORE: fragments of the same commit follow                      |
 * | 3, 4   | ENTRY_SEQUENCE: wide; must be synced before the entry may be applied              |
 * | 5, 6   | ENTRY_MARK: wide; birth counter when the commit's pages were complete             |
 * | 7      | ENTRY_PARTS: number of root rows (ROOT_WORDS each, preceded by the slot)          |
 * | 8      | ENTRY_ALLOCATED: number of page numbers                                           |
 * | 9      | ENTRY_FREED: number of freed pages (3 words each: page, birth low, birth high)    |
 * | 10...  | parts, allocated pages, freed pages                                               |
 *
 * A SEALED_BUFFER has the sequence of its last commit, no parts, no freed pages and no mark; in the
 * place of the allocated pages it has SEALED_INDEX, the number of the generation, and from
 * SEALED_STOPS on a wide counter for each stop, ascending. It is never cut into fragments.
 */
import { APPLY_WORKERS_MAX } from '../limits.js';

export const QUEUE_HEAD = 0;
export const QUEUE_ENTRIES = 1;
export const QUEUE_POPPED = 16;
export const QUEUE_TARGET = 18;
export const QUEUE_CURSORS = 32;
export const QUEUE_CURSOR_WORDS = 16;
/** Offset, from a worker's cursor word, of its wide "reached" counter. */
export const QUEUE_REACHED = 1;
export const QUEUE_CONTROL_BYTES =
  (QUEUE_CURSORS + APPLY_WORKERS_MAX * QUEUE_CURSOR_WORDS) * Int32Array.BYTES_PER_ELEMENT;

export const QUEUE_SKIP = -1;

export const ENTRY_WORDS = 0;
export const ENTRY_KIND = 1;
export const ENTRY_FLAGS = 2;
export const ENTRY_SEQUENCE = 3;
export const ENTRY_MARK = 5;
export const ENTRY_PARTS = 7;
export const ENTRY_ALLOCATED = 8;
export const ENTRY_FREED = 9;
export const ENTRY_HEADER_WORDS = 10;

export const PENDING_COMMIT = 1;
export const SEALED_BUFFER = 2;
/** Words from the end of the header. */
export const SEALED_INDEX = 0;
export const SEALED_STOPS = 1;
export const ENTRY_MORE = 1;
/** Words of one freed page: page number, birth low 32 bits, birth high bits. */
export const FREED_WORDS = 3;
