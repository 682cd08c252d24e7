/**
 * Apply groups as worker 0 leads them: picks a sequence, waits until every worker stands at it,
 * publishes the root set. What a merge has staged is published here as well. Threads: apply worker
 * 0.
 *
 * Invariants
 * 1. A group's sequence is synced. So is everything that a root set published here, or a checkpoint
 *    frozen between two groups, contains.
 * 2. Staged rows move only while a group is open, or in one go, all families' by worker 0, when a
 *    window was merged; they stand at one sequence otherwise.
 * 3. The root set is published before APPLIED is stored: who sees APPLIED = S reads a set of S or
 *    a later one.
 */
import {
  COSTLY_CHECKS,
  NO_SEQUENCE,
  PROGRESS_APPENDED,
  PROGRESS_APPLIED,
  PROGRESS_CHECKPOINTED,
  PROGRESS_SYNCED,
  PROGRESS_WRITTEN,
  QUEUE_CURSORS,
  QUEUE_CURSOR_WORDS,
  QUEUE_POPPED,
  QUEUE_REACHED,
  QUEUE_TARGET,
  REASON_APPLIED,
  REASON_REQUEST,
  REASON_SPACE,
  ROOTS_STAGED,
  THREAD_APPLY,
  THREAD_MAIN,
  TRACE_APPLY,
  TRACE_APPLY_CHANGES,
  assert,
  loadWide,
  publishRootSet,
  ringBell,
  storeWide,
  traceWriterFor,
  type Shared,
  type TraceWriter,
} from '@manifold-db/storage';
import { drainUpTo, type Drained, type PageSink } from './drain.js';
import type { Intake } from './intake.js';

/** Words of entries that one group covers: bounds the time until they are visible. */
const GROUP_WORDS_MAX = 1 << 18;

export function reachedWord(worker: number): number {
  return QUEUE_CURSORS + worker * QUEUE_CURSOR_WORDS + QUEUE_REACHED;
}

export class ApplyGroups {
  /** Sequence at which the staged rows of this worker stand; of all workers between groups. */
  staged: number;
  /** Every page that the staged roots reach has a smaller birth. */
  mark: number;
  /** Commits applied so far. */
  commits = 0;
  /** A group is open: rows move. */
  isOpen = false;
  readonly #shared: Shared;
  readonly #intake: Intake;
  readonly #pages: PageSink;
  readonly #publishes: boolean;
  readonly #drained: Drained;
  /** Also for merges: begun when work on a group or a window begins, ended when it is published. */
  readonly trace: TraceWriter | undefined;

  constructor(
    shared: Shared,
    intake: Intake,
    pages: PageSink,
    publishes: boolean,
    start: { sequence: number; mark: number },
  ) {
    this.#shared = shared;
    this.#intake = intake;
    this.#pages = pages;
    this.#publishes = publishes;
    this.staged = start.sequence;
    this.mark = start.mark;
    this.#drained = { commits: 0, mark: start.mark };
    this.trace = publishes ? traceWriterFor(shared, TRACE_APPLY) : undefined;
  }

  /** Opens a group if a commit is due, and brings the own families to its sequence. */
  open(): boolean {
    const synced = loadWide(this.#shared.progress, PROGRESS_SYNCED);
    const sequence = this.#intake.newestDue(synced, GROUP_WORDS_MAX);
    if (sequence === NO_SEQUENCE) return false;
    assert(sequence > this.staged, 'commits come in the order of their sequences');
    this.isOpen = true;
    this.trace?.begin(this.staged);
    this.#callPeers(sequence);
    this.#drained.commits = 0;
    drainUpTo(this.#shared, this.#intake, sequence, this.#pages, this.#drained);
    assert(this.#drained.mark >= this.mark, 'a commit is built on what was merged before it');
    this.staged = sequence;
    this.mark = this.#drained.mark;
    storeWide(this.#shared.queueControl, reachedWord(0), sequence);
    return true;
  }

  /** Closes the open group once every worker has reached its sequence. */
  close(): boolean {
    if (!this.isOpen || !this.#haveAllReached()) return false;
    this.isOpen = false;
    const { commits } = this.#drained;
    this.commits += commits;
    this.#publish(commits);
    return true;
  }

  /**
   * Worker 0 has staged the rows of a merged window, which ends at `sequence`; no group is open.
   * `generations`: how many have become whole with it, and how many commits they hold; 0 when the
   * window lies inside one.
   */
  publishMerged(sequence: number, mark: number, generations: number, commits: number): void {
    assert(!this.isOpen && sequence > this.staged, 'a merge is a group of its own');
    assert(this.#publishes, 'who merges publishes');
    this.staged = sequence;
    this.mark = mark;
    this.commits += commits;
    this.#publish(generations);
    if (generations === 0) return;
    // Peers have no rows to bring there: nobody waits for them.
    this.#callPeers(sequence);
    storeWide(this.#shared.queueControl, reachedWord(0), sequence);
  }

  /** Lets the peers run to the end of the queue; they have nothing to add to any root set. */
  releasePeers(): void {
    this.#callPeers(loadWide(this.#shared.progress, PROGRESS_APPENDED));
  }

  #callPeers(sequence: number): void {
    const { queueControl, bells, sizes } = this.#shared;
    storeWide(queueControl, QUEUE_TARGET, sequence);
    for (let worker = 1; worker < sizes.applyWorkers; worker++) {
      ringBell(bells, THREAD_APPLY + worker, REASON_REQUEST);
    }
  }

  /** `entries`: how many of the queue are done with it. */
  #publish(entries: number): void {
    const { progress, queueControl, bells } = this.#shared;
    if (this.#publishes) {
      publishRootSet(this.#shared, ROOTS_STAGED, this.staged, this.mark);
      // Invariant 3.
      storeWide(progress, PROGRESS_APPLIED, this.staged);
      this.trace?.end(TRACE_APPLY_CHANGES, this.staged);
    }
    Atomics.store(queueControl, QUEUE_POPPED, (queueControl[QUEUE_POPPED]! + entries) | 0);
    ringBell(bells, THREAD_MAIN, REASON_APPLIED | REASON_SPACE);
    if (COSTLY_CHECKS) checkProgressOrder(this.#shared, this.#publishes);
  }

  #haveAllReached(): boolean {
    const { queueControl, sizes } = this.#shared;
    for (let worker = 1; worker < sizes.applyWorkers; worker++) {
      if (loadWide(queueControl, reachedWord(worker)) < this.staged) return false;
    }
    return true;
  }
}

/** The words are loaded in this order, so that each may only have grown when its follower is. */
function checkProgressOrder(shared: Shared, appliedIsSynced: boolean): void {
  const { progress } = shared;
  const checkpointed = loadWide(progress, PROGRESS_CHECKPOINTED);
  const applied = loadWide(progress, PROGRESS_APPLIED);
  const synced = loadWide(progress, PROGRESS_SYNCED);
  const written = loadWide(progress, PROGRESS_WRITTEN);
  const appended = loadWide(progress, PROGRESS_APPENDED);
  assert(checkpointed <= applied, 'checkpointed <= applied');
  if (appliedIsSynced) assert(applied <= synced, 'applied <= synced');
  assert(synced <= written && written <= appended, 'synced <= written <= appended');
}
