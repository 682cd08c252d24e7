/**
 * The failure word: the first thread that meets an unrecoverable error stores its code, and the
 * database is read-only from then on. Threads: all. Layout: `layout/progress.ts`.
 *
 * Invariants
 * 1. The word leaves FAILURE_NONE once and never changes again (compareExchange).
 * 2. The text has one writer, the winner; FAILURE_DETAIL is stored after it, so whoever sees a
 *    length other than 0 reads bytes that no thread changes any more. Whoever sees 0 waits: on a
 *    busy machine the winner may have lost the processor between the two.
 * 3. Every bell rings after both: whoever waits for anything wakes and sees the failure.
 */
import { FAILURE_NONE, PROGRESS_FAILURE, PROGRESS_FAILURE_DETAIL } from '../layout/progress.js';
import type { Shared } from '../shared.js';
import { REASON_ANY, ringAllBells } from '../sync/bell.js';

export interface Failure {
  /** One of FAILURE_*. */
  readonly code: number;
  /** What went wrong; never empty. */
  readonly text: string;
}

/** A winner that takes longer is not late but dead. */
const TEXT_WAIT_MS = 1000;
const TEXT_MISSING = 'the thread that failed ended before it said why';

/** Failures whose text this thread has waited for in vain: once is enough. */
const withoutText = new WeakSet<Int32Array>();

/** Poisons the database. Returns whether this call was the first to do so. */
export function setFailure(shared: Shared, code: number, text: string): boolean {
  const { progress } = shared;
  const encoded = new Uint8Array(shared.failureText.length);
  // encodeInto stops at a character boundary, and is not meant for shared memory.
  const { written } = new TextEncoder().encodeInto(text === '' ? TEXT_MISSING : text, encoded);
  // The code first: a winner that dies before its text is stored has still poisoned the database.
  const before = Atomics.compareExchange(progress, PROGRESS_FAILURE, FAILURE_NONE, code);
  if (before !== FAILURE_NONE) return false;
  shared.failureText.set(encoded.subarray(0, written));
  Atomics.store(progress, PROGRESS_FAILURE_DETAIL, written);
  Atomics.notify(progress, PROGRESS_FAILURE_DETAIL);
  ringAllBells(shared.bells, REASON_ANY);
  return true;
}

export function hasFailed(shared: Shared): boolean {
  return Atomics.load(shared.progress, PROGRESS_FAILURE) !== FAILURE_NONE;
}

export function readFailure(shared: Shared): Failure | undefined {
  const code = Atomics.load(shared.progress, PROGRESS_FAILURE);
  if (code === FAILURE_NONE) return undefined;
  const bytes = waitForText(shared.progress);
  if (bytes === 0) return { code, text: TEXT_MISSING };
  // A private copy: shared memory is never decoded in place.
  return { code, text: new TextDecoder().decode(shared.failureText.slice(0, bytes)) };
}

/** Bytes of the text; 0 when its writer died before it. */
function waitForText(progress: Int32Array): number {
  const bytes = Atomics.load(progress, PROGRESS_FAILURE_DETAIL);
  if (bytes !== 0 || withoutText.has(progress)) return bytes;
  Atomics.wait(progress, PROGRESS_FAILURE_DETAIL, 0, TEXT_WAIT_MS);
  const found = Atomics.load(progress, PROGRESS_FAILURE_DETAIL);
  if (found === 0) withoutText.add(progress);
  return found;
}

/** Text of an error as it is stored beside the failure word: code or name, message. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
}
