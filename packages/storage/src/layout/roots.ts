/**
 * Shared-memory layout of the roots region (Int32Array): the root rows of all column families.
 *
 * | words                         | name             | writer                                    |
 * |-------------------------------|------------------|-------------------------------------------|
 * | 0                             | ROOTS_SLOTS      | holder of the append lock: rows ever used |
 * | 1                             | ROOTS_PUBLISHED  | the applier: version number of the published set; the set stands in table (version & 1) |
 * | 2, 3                          | ROOTS_NEXT_ID    | holder of the append lock: next family id |
 * | 16 + 8 * table                | set header: sequence (wide), mark (wide), slots | the applier |
 * | ROOTS_ADMITTED + row          | admitted rows: newest committed version   | holder of the append lock |
 * | ROOTS_TABLE_0 / 1 + row       | published root sets                       | the applier               |
 * | ROOTS_STAGED + row            | rows brought to the group's sequence      | apply worker that owns the slot; between two groups worker 0, when it stages what it merged |
 *
 * The applier fills the table that is not published, then stores the version; a reader takes the
 * version, copies, and re-reads the version: unchanged means an untorn copy. One ahead does not:
 * the table it read from is then the one that the applier fills next (`roots/published.ts`).
 *
 * Row (ROOT_WORDS)
 * | 0 ROOT_ID | 1 ROOT_PAGE | 2, 3 ROOT_BIRTH (32-bit halves) | 4, 5 ROOT_COUNT (32-bit halves) | 6 ROOT_STATE | 7 spare |
 */
import { COLUMN_FAMILIES_MAX } from '../limits.js';

export const ROOTS_SLOTS = 0;
export const ROOTS_PUBLISHED = 1;
export const ROOTS_NEXT_ID = 2;
export const ROOTS_SET_HEADERS = 16;
export const ROOTS_SET_HEADER_WORDS = 8;
export const SET_SEQUENCE = 0;
export const SET_MARK = 2;
export const SET_SLOTS = 4;

export const ROOT_WORDS = 8;
export const ROOT_ID = 0;
export const ROOT_PAGE = 1;
export const ROOT_BIRTH = 2;
export const ROOT_COUNT = 4;
export const ROOT_STATE = 6;

/** Values of ROOT_STATE. */
export const FAMILY_ABSENT = 0;
export const FAMILY_LIVE = 1;

const TABLE_WORDS = COLUMN_FAMILIES_MAX * ROOT_WORDS;
export const ROOTS_ADMITTED = 32;
export const ROOTS_TABLE_0 = ROOTS_ADMITTED + TABLE_WORDS;
export const ROOTS_TABLE_1 = ROOTS_TABLE_0 + TABLE_WORDS;
export const ROOTS_STAGED = ROOTS_TABLE_1 + TABLE_WORDS;
export const ROOTS_BYTES = (ROOTS_STAGED + TABLE_WORDS) * Int32Array.BYTES_PER_ELEMENT;

/**
 * Names region (Uint8Array): per slot, byte 0 length, bytes 1... UTF-8. Written under the append
 * lock before the row becomes FAMILY_LIVE in any table; a slot is re-used only after its drop was
 * checkpointed.
 */
export const NAME_ROW_BYTES = 256;
export const NAMES_BYTES = COLUMN_FAMILIES_MAX * NAME_ROW_BYTES;
