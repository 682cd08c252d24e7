/**
 * Shared-memory layout of the bells region (Int32Array): one 64-byte line per thread.
 *
 * | word | name          | writer                        | wakes        |
 * |------|---------------|-------------------------------|--------------|
 * | 0    | BELL_RINGS    | anyone (Atomics.add)          | the owner    |
 * | 1    | BELL_INTEREST | the thread that owns the bell | nobody       |
 */
import { APPLY_WORKERS_MAX, THREADS_MAX } from '../limits.js';
import { assert } from '../assert.js';

export const BELL_RINGS = 0;
export const BELL_INTEREST = 1;
export const BELL_WORDS = 16;

/** Thread numbers: index of bell and of reader-epoch slot. */
export const THREAD_MAIN = 0;
export const THREAD_WAL = 1;
export const THREAD_APPLY = 2;

export const BELLS_BYTES = THREADS_MAX * BELL_WORDS * Int32Array.BYTES_PER_ELEMENT;

assert(THREAD_APPLY + APPLY_WORKERS_MAX <= THREADS_MAX, 'every apply worker needs a bell');
