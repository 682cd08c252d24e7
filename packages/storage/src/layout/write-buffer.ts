/**
 * Layout of one generation of the write buffer: one block of memory (shared, or private to a
 * transaction). Writer of everything here: the main thread (for a private block, the thread that
 * owns it), without atomics; read-only once the generation is sealed, but for the hash table.
 * Another thread learns of the sealing through the pending queue, whose head is stored after
 * everything here.
 *
 * A block of zeroes is an empty generation. Int32 words; a *unit* is 32 bytes of the block, units
 * are numbered from its start, and unit 0 (in the header) means "none".
 *
 * | bytes                | what                                                               |
 * |----------------------|--------------------------------------------------------------------|
 * | 0                    | header words (below)                                               |
 * | TOMBSTONE_ROWS * 4   | range tombstones, oldest first: WRITE_BUFFER_TOMBSTONES_MAX rows   |
 * | HASH_SLOTS * 4       | hash table: `hashSlotCount` words                                  |
 * | `dataStart`          | data: operations, almost as in the log, 4-aligned, growing up      |
 * | ... end of the block | index: units, growing down                                         |
 *
 * Header
 * | word   | name                  | meaning                                                      |
 * |--------|-----------------------|--------------------------------------------------------------|
 * | 0      | BUFFER_RESETS         | how often the block was emptied, mod 2^32: caches are stale  |
 * | 1      | BUFFER_DATA_USED      | bytes of data                                                |
 * | 2      | BUFFER_UNITS_USED     | units of index                                               |
 * | 3      | BUFFER_KEYS           | distinct keys, those that are deleted included               |
 * | 4      | BUFFER_COMMITS        | distinct sequences                                           |
 * | 5      | BUFFER_TOMBSTONES     | tombstone rows in use                                        |
 * | 6      | BUFFER_FAMILIES       | family rows                                                  |
 * | 7      | BUFFER_NEWEST_FAMILY  | unit of the newest family row                                |
 * | 8      | BUFFER_LEAVES         | leaves of all ordered indexes                                |
 * | 9      | BUFFER_BRANCHES       | branches of all ordered indexes                              |
 * | 10, 11 | BUFFER_FIRST_SEQUENCE | wide; 0 while empty                                          |
 * | 12, 13 | BUFFER_LAST_SEQUENCE  | wide; 0 while empty                                          |
 * | 14     | BUFFER_HASHED         | bytes of data whose keys the hash table knows                |
 *
 * The hash table, and BUFFER_HASHED, belong to the thread that looks keys up, the main thread, also
 * when the generation is sealed: it is filled in when a key is looked up, not when it is put. No
 * other thread reads either.
 *
 * An operation stands in the data as in the log, but a put or delete has the unit of its key node
 * where the log has the family id.
 *
 * Hash slot: 0 = empty, else 7 tag bits of the hash, 25 bits unit of the key node.
 *
 * Key node (one unit): the newest version of a key. Older versions are units of the same shape.
 * | 0 KEY_OFFSET | 1 KEY_VALUE_OFFSET | 2 KEY_VALUE_BYTES | 3 KEY_BYTES_KIND: length of the key (low half), OperationKind (high half) | 4, 5 KEY_SEQUENCE (wide) | 6 KEY_OLDER: unit of the next older version | 7 KEY_FAMILY: family id |
 *
 * Tombstone row
 * | 0 TOMBSTONE_FAMILY: id | 1 TOMBSTONE_ORDINAL | 2, 3 TOMBSTONE_SEQUENCE (wide) | 4 TOMBSTONE_FLAGS: CLEAR_HAS_LOW, CLEAR_HAS_HIGH | 5 TOMBSTONE_BYTES: of low (low half) and of high bound (high half) | 6 TOMBSTONE_LOW | 7 TOMBSTONE_HIGH: where the bounds stand |
 *
 * Family row (two units)
 * | 0 FAMILY_ID | 1 FAMILY_SLOT | 2 FAMILY_OLDER: unit of the next older row | 3 FAMILY_ROOT | 4 FAMILY_FIRST_LEAF | 5 FAMILY_LAST_LEAF (units, 0 = no keys) | 6 FAMILY_KEYS | 7 FAMILY_TOP: level of the root | 8, 9 FAMILY_FIRST_SEQUENCE (wide) | 10, 11 FAMILY_LAST_SEQUENCE (wide) | 12, 13 FAMILY_CREATED (wide; 0 = not created here) | 14, 15 FAMILY_DROPPED (wide; 0 = not dropped here) |
 *
 * Nodes of the ordered index: `buffer/ordered-node.ts`.
 */
import { assert } from '../assert.js';
import {
  WRITE_BUFFER_BYTES_MAX,
  WRITE_BUFFER_BYTES_MIN,
  WRITE_BUFFER_TOMBSTONES_MAX,
} from '../limits.js';

export const BUFFER_RESETS = 0;
export const BUFFER_DATA_USED = 1;
export const BUFFER_UNITS_USED = 2;
export const BUFFER_KEYS = 3;
export const BUFFER_COMMITS = 4;
export const BUFFER_TOMBSTONES = 5;
export const BUFFER_FAMILIES = 6;
export const BUFFER_NEWEST_FAMILY = 7;
export const BUFFER_LEAVES = 8;
export const BUFFER_BRANCHES = 9;
export const BUFFER_FIRST_SEQUENCE = 10;
export const BUFFER_LAST_SEQUENCE = 12;
export const BUFFER_HASHED = 14;
const HEADER_WORDS = 16;

export const TOMBSTONE_ROWS = HEADER_WORDS;
export const TOMBSTONE_WORDS = 8;
export const TOMBSTONE_FAMILY = 0;
export const TOMBSTONE_ORDINAL = 1;
export const TOMBSTONE_SEQUENCE = 2;
export const TOMBSTONE_FLAGS = 4;
export const TOMBSTONE_BYTES = 5;
export const TOMBSTONE_LOW = 6;
export const TOMBSTONE_HIGH = 7;

export const HASH_SLOTS = TOMBSTONE_ROWS + WRITE_BUFFER_TOMBSTONES_MAX * TOMBSTONE_WORDS;
/** A slot stands for so many bytes of the block at most. */
const BYTES_PER_SLOT = 64;
export const HASH_UNIT_BITS = 25;
export const HASH_UNIT_MASK = (1 << HASH_UNIT_BITS) - 1;

export const UNIT_BYTES = 32;
/** Word of a unit: unit << UNIT_WORD_SHIFT. */
export const UNIT_WORD_SHIFT = 3;
export const UNIT_WORDS = 1 << UNIT_WORD_SHIFT;
export const NO_UNIT = 0;

/** Word of an operation in the data where the log has the family id. */
export const OPERATION_UNIT = 1;

export const KEY_OFFSET = 0;
export const KEY_VALUE_OFFSET = 1;
export const KEY_VALUE_BYTES = 2;
export const KEY_BYTES_KIND = 3;
export const KEY_SEQUENCE = 4;
export const KEY_OLDER = 6;
export const KEY_FAMILY = 7;
export const KEY_BYTES_MASK = 0xffff;
export const KEY_KIND_SHIFT = 16;

export const FAMILY_ID = 0;
export const FAMILY_SLOT = 1;
export const FAMILY_OLDER = 2;
export const FAMILY_ROOT = 3;
export const FAMILY_FIRST_LEAF = 4;
export const FAMILY_LAST_LEAF = 5;
export const FAMILY_KEYS = 6;
export const FAMILY_TOP = 7;
export const FAMILY_FIRST_SEQUENCE = 8;
export const FAMILY_LAST_SEQUENCE = 10;
export const FAMILY_CREATED = 12;
export const FAMILY_DROPPED = 14;
export const FAMILY_UNITS = 2;

/** Slots of the hash table of a block: a power of two. */
export function hashSlotCount(blockBytes: number): number {
  return 1 << (32 - Math.clz32(Math.ceil(blockBytes / BYTES_PER_SLOT) - 1));
}

/** First byte of the data. */
export function dataStart(blockBytes: number): number {
  return (HASH_SLOTS + hashSlotCount(blockBytes)) << 2;
}

assert(UNIT_WORDS * Int32Array.BYTES_PER_ELEMENT === UNIT_BYTES, 'a unit is whole words');
assert(WRITE_BUFFER_BYTES_MAX / UNIT_BYTES <= 1 << HASH_UNIT_BITS, 'unit numbers fit a hash slot');
assert((HASH_SLOTS * 4) % UNIT_BYTES === 0, 'data starts at a unit');
assert(dataStart(WRITE_BUFFER_BYTES_MIN) < WRITE_BUFFER_BYTES_MIN / 2, 'half a block is for data');
