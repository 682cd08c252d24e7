/**
 * Shared-memory layout of the WAL ring: three regions.
 *
 * Control (Int32Array)
 * | word | name               | writer                                             | rings |
 * |------|--------------------|----------------------------------------------------|-------|
 * | 0    | RING_LOCK          | mutex: the append lock                             |       |
 * | 16   | RING_CLAIMED       | holder of the append lock: records claimed, mod 2^32 |     |
 * | 17   | RING_CLAIM_UNIT    | holder of the append lock: next byte, in 8-byte units mod 2^32 | |
 * | 32   | RING_CONSUMED      | fsync worker: records consumed, mod 2^32           | main  |
 * | 33   | RING_CONSUMED_UNIT | fsync worker: first unit still in use              |       |
 *
 * Descriptors (Int32Array): RING_RECORDS_MAX rows, row = record number mod RING_RECORDS_MAX
 * | word | name               | writer                                                   |
 * |------|--------------------|----------------------------------------------------------|
 * | 0    | DESCRIPTOR_STATE   | claimer, last: record number + 1 once the bytes are there |
 * | 1    | DESCRIPTOR_UNIT    | claimer: where the record begins (units, mod 2^32)       |
 * | 2    | DESCRIPTOR_BYTES   | claimer: record bytes, multiple of 8                     |
 * | 3    | DESCRIPTOR_END     | claimer: first unit behind the record                    |
 * | 4, 5 | DESCRIPTOR_SEQUENCE| claimer: sequence, a wide counter                        |
 * | 6    | DESCRIPTOR_COMPLETES | claimer: 1 when the record completes its transaction   |
 *
 * Bytes (Uint8Array): a power of two; a record never wraps, a claim that would skips to the start
 * (DESCRIPTOR_UNIT tells). The state word holds the record number itself, so a descriptor of an
 * earlier lap never reads as published and nothing has to be zeroed.
 */
import { assert } from '../assert.js';
import { RING_RECORDS_MAX } from '../limits.js';

export const RING_LOCK = 0;
export const RING_CLAIMED = 16;
export const RING_CLAIM_UNIT = 17;
export const RING_CONSUMED = 32;
export const RING_CONSUMED_UNIT = 33;
export const RING_CONTROL_BYTES = 48 * Int32Array.BYTES_PER_ELEMENT;

export const RING_UNIT_BYTES = 8;
export const RING_UNIT_SHIFT = 3;

export const DESCRIPTOR_STATE = 0;
export const DESCRIPTOR_UNIT = 1;
export const DESCRIPTOR_BYTES = 2;
export const DESCRIPTOR_END = 3;
export const DESCRIPTOR_SEQUENCE = 4;
export const DESCRIPTOR_COMPLETES = 6;
export const DESCRIPTOR_WORDS = 8;
export const RING_DESCRIPTORS_BYTES =
  RING_RECORDS_MAX * DESCRIPTOR_WORDS * Int32Array.BYTES_PER_ELEMENT;

assert((RING_RECORDS_MAX & (RING_RECORDS_MAX - 1)) === 0, 'descriptor rows are a power of two');
