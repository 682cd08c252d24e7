/**
 * Shared-memory layout of the epochs region (Int32Array).
 *
 * | word                        | name         | writer                       |
 * |-----------------------------|--------------|------------------------------|
 * | 0                           | EPOCH_GLOBAL | holder of the pages lock     |
 * | EPOCH_SLOTS + 16 * thread   | slot         | that thread, per operation   |
 *
 * A slot holds EPOCH_QUIESCENT or the global epoch read when the thread's operation began. Epochs
 * are compared by difference mod 2^32 and skip EPOCH_QUIESCENT.
 */
import { THREADS_MAX } from '../limits.js';

export const EPOCH_GLOBAL = 0;
export const EPOCH_SLOTS = 16;
export const EPOCH_SLOT_WORDS = 16;
export const EPOCH_QUIESCENT = 0;
export const EPOCH_FIRST = 1;
export const EPOCHS_BYTES =
  (EPOCH_SLOTS + THREADS_MAX * EPOCH_SLOT_WORDS) * Int32Array.BYTES_PER_ELEMENT;
