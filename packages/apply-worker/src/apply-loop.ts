/**
 * Apply worker 0: leads the apply groups, merges sealed generations of the write buffer, keeps the
 * page account, retires pages, prepares log segments, takes checkpoints. One `step()` never blocks
 * on another thread; it drains or merges first and does at most one piece of background work (a
 * write of at most 1 MiB or a sync), so a checkpoint delays commits by one such piece.
 */
import {
  BufferPrefault,
  ENTRY_WORDS_MAX,
  FAILURE_NONE,
  FREE_PAGES_SHARED_MAX,
  FramePrefault,
  PROGRESS_APPENDED,
  PROGRESS_APPLIED,
  PROGRESS_FAILURE,
  PROGRESS_SHUTDOWN,
  ROOTS_STAGED,
  ROOT_WORDS,
  SHUTDOWN_DRAIN,
  SHUTDOWN_NOW,
  STAT_APPLY_COMMITS,
  STAT_APPLY_NS,
  STAT_FREE_PAGES,
  STAT_LIVE_PAGES,
  STAT_PINNED_PAGES,
  TreeRoot,
  loadWide,
  readFreeMap,
  usedSlots,
  type Shared,
} from '@manifold-db/storage';
import { Checkpointer, type DurableState } from './checkpoint/checkpointer.js';
import { DataFileEnd } from './checkpoint/data-file-end.js';
import { freeze } from './checkpoint/frozen-version.js';
import { CheckpointTriggers } from './checkpoint/triggers.js';
import type { ApplyContext, StepResult } from './context.js';
import { DiskSpace } from './disk-space.js';
import type { PageSink } from './drain.js';
import { reportFailure } from './failures.js';
import { Intake } from './intake.js';
import { MergeMemory } from './merge/merge-memory.js';
import { Merger } from './merge/merger.js';
import { PageAccount } from './page-account.js';
import { ApplyGroups } from './publish.js';
import { Retirement } from './retire/retirement.js';
import { Segments } from './segments.js';

const NS_PER_MS = 1e6;
/** Nobody rings when an operation of another thread ends, or a root set is published there. */
const POLL_MS = 5;

export class ApplyLoop {
  readonly #context: ApplyContext;
  readonly #shared: Shared;
  readonly #intake: Intake;
  readonly #account: PageAccount;
  readonly #groups: ApplyGroups;
  readonly #merger: Merger;
  readonly #retirement: Retirement;
  readonly #space: DiskSpace;
  readonly #segments: Segments;
  readonly #triggers: CheckpointTriggers;
  readonly #checkpointer: Checkpointer;
  readonly #prefault: FramePrefault;
  readonly #bufferPrefault: BufferPrefault;
  /** A checkpoint waits for the main thread, which publishes what is staged here. */
  #isAheadOfMain = false;
  /** As of the beginning of the step: all of it must act on the same answer (`#isDrained`). */
  #isShuttingDown = false;
  #isStopped = false;

  constructor(context: ApplyContext) {
    const { init, shared, pager } = context;
    const { meta } = init;
    this.#context = context;
    this.#prefault = new FramePrefault(pager);
    this.#bufferPrefault = new BufferPrefault(shared);
    this.#shared = shared;
    const freeMap = readFreeMap(context.dataFile, context.dataPath, meta);
    const start = { sequence: meta.sequence, mark: meta.birthCounter };
    this.#intake = new Intake(shared, init.workerIndex);
    this.#account = new PageAccount(freeMap.inUse, meta.pageBytes);
    this.#retirement = new Retirement(shared, pager, start);
    const pages = this.#pageSink();
    const publishes = init.applier === 'worker';
    this.#groups = new ApplyGroups(shared, this.#intake, pages, publishes, start);
    this.#space = new DiskSpace(context);
    const memory = new MergeMemory(context, this.#space);
    const mergeParts = { context, space: this.#space, memory };
    this.#merger = new Merger(mergeParts, this.#intake, this.#groups, pages);
    this.#segments = new Segments(context, this.#space);
    this.#triggers = new CheckpointTriggers(context, this.#account, this.#retirement);
    const { freePages } = this.#retirement;
    const fileEnd = new DataFileEnd(context, this.#space, meta.pageCount, (page) => {
      freePages.add(page);
    });
    this.#checkpointer = new Checkpointer(
      {
        context,
        space: this.#space,
        account: this.#account,
        retirement: this.#retirement,
        segments: this.#segments,
        fileEnd,
      },
      durableAtStart(shared, context, freeMap),
    );
    for (let page = init.seededBelow; page < meta.pageCount; page++) {
      if (!freeMap.inUse.has(page)) freePages.add(page);
    }
    while (freePages.refill()) {
      // Until the shared stack is full enough, so that no page is taken behind the file's end.
    }
    this.#writeStatistics();
  }

  step(): StepResult {
    if (this.#isStopped || this.#mustStop()) return this.#stop();
    const shutdown = Atomics.load(this.#shared.progress, PROGRESS_SHUTDOWN);
    this.#isShuttingDown = shutdown === SHUTDOWN_DRAIN;
    try {
      const hasApplied = this.#apply();
      // Also after commits: a stream of them must not keep checkpoints from going on.
      const hasWorked = this.#background();
      if (hasApplied || hasWorked) return 'worked';
      if (!this.#isDrained()) return 'idle';
      this.#segments.stop();
      this.#groups.releasePeers();
      return this.#stop();
    } catch (error) {
      reportFailure(this.#shared, error);
      return this.#stop();
    }
  }

  /** How long the thread may sleep unless it is rung. */
  sleepMs(): number {
    const isPolling =
      this.#retirement.isAging ||
      this.#checkpointer.isWaitingForFrames ||
      this.#merger.isWaitingForFrames ||
      this.#isAheadOfMain;
    const pollMs = isPolling ? POLL_MS : Infinity;
    return Math.min(pollMs, this.#triggers.sleepMs(), this.#space.sleepMs());
  }

  /** Takes in entries, goes on with the open group, opens one or merges. */
  #apply(): boolean {
    const startedMs = performance.now();
    const commitsBefore = this.#groups.commits;
    let worked = this.#intake.take(ENTRY_WORDS_MAX);
    worked = this.#groups.close() || worked;
    if (!this.#groups.isOpen) {
      this.#beginCheckpoint();
      worked = this.#groups.open() || worked;
      worked = this.#groups.close() || worked;
      if (!this.#groups.isOpen) worked = this.#merge() || worked;
    }
    if (worked) {
      const { statistics } = this.#shared;
      statistics[STAT_APPLY_NS]! += (performance.now() - startedMs) * NS_PER_MS;
      statistics[STAT_APPLY_COMMITS]! += this.#groups.commits - commitsBefore;
    }
    return worked;
  }

  #merge(): boolean {
    return this.#merger.step(this.#isMergeUrgent);
  }

  get #isMergeUrgent(): boolean {
    return this.#segments.isStarved || this.#isShuttingDown;
  }

  /** One bounded piece of everything else. */
  #background(): boolean {
    const applied = Math.min(
      this.#groups.staged,
      loadWide(this.#shared.progress, PROGRESS_APPLIED),
    );
    let worked = this.#retirement.step(applied);
    if (!this.#isShuttingDown) worked = this.#segments.step() || worked;
    worked = this.#checkpointer.step() || worked;
    if (worked) this.#writeStatistics();
    worked = this.#prefault.step() || worked;
    // Last: files that are not prepared in time hold commits up, memory only slows them down.
    return worked || this.#bufferPrefault.step();
  }

  /**
   * Between two groups, also while a merge is under way: the staged rows of all workers stand at
   * one synced sequence.
   */
  #beginCheckpoint(): void {
    this.#isAheadOfMain = false;
    if (this.#checkpointer.isRunning) return;
    const reason = this.#triggers.reason({
      staged: this.#groups.staged,
      durable: this.#checkpointer.durable.meta.sequence,
      isStarved: this.#segments.isStarved,
      isMerging: this.#merger.isBusy(this.#isMergeUrgent),
      isMergeWaiting: this.#merger.isWaitingForFrames,
      isShuttingDown: this.#isShuttingDown && this.#isEverythingApplied(),
    });
    if (reason === undefined) return;
    const { staged, mark } = this.#groups;
    // A main thread that publishes root sets itself may lag behind: checkpointed <= applied.
    this.#isAheadOfMain = loadWide(this.#shared.progress, PROGRESS_APPLIED) < staged;
    if (this.#isAheadOfMain) return;
    this.#triggers.begun();
    const relieves = this.#triggers.relieves(reason);
    const held = relieves ? this.#retirement.heldBySnapshots() : [];
    const frozen = freeze(this.#shared, this.#account, staged, mark, held);
    this.#retirement.checkpointBegins(frozen, relieves);
    this.#checkpointer.begin(frozen);
  }

  #pageSink(): PageSink {
    return {
      allocated: (page) => this.#account.allocated(page),
      freed: (page, birth, supersededAt) => {
        this.#account.freed(page);
        this.#retirement.freed(page, birth, supersededAt);
      },
    };
  }

  #mustStop(): boolean {
    const { progress } = this.#shared;
    return (
      Atomics.load(progress, PROGRESS_FAILURE) !== FAILURE_NONE ||
      Atomics.load(progress, PROGRESS_SHUTDOWN) === SHUTDOWN_NOW
    );
  }

  /** By all workers: while a group is open, others may still be behind. */
  #isEverythingApplied(): boolean {
    if (this.#groups.isOpen) return false;
    return this.#groups.staged === loadWide(this.#shared.progress, PROGRESS_APPENDED);
  }

  /**
   * The orderly end: everything is applied and in a checkpoint, or the disk is too full for that;
   * then the log still has what is missing.
   */
  #isDrained(): boolean {
    if (!this.#isShuttingDown) return false;
    const isCheckpointStopped = this.#space.isStopped('checkpoint');
    if (this.#isEverythingApplied()) return !this.#checkpointer.isRunning || isCheckpointStopped;
    return (
      this.#space.isStopped('merge') || (isCheckpointStopped && this.#merger.isWaitingForFrames)
    );
  }

  #stop(): StepResult {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#segments.close();
      this.#context.dataFile.close();
    }
    return 'stopped';
  }

  #writeStatistics(): void {
    const { statistics } = this.#shared;
    const { freePages } = this.#retirement;
    const onStack = FREE_PAGES_SHARED_MAX - this.#context.pager.freePagesWanted();
    statistics[STAT_LIVE_PAGES] = this.#account.inUse.count;
    statistics[STAT_FREE_PAGES] = freePages.pages.count + onStack;
    statistics[STAT_PINNED_PAGES] = this.#retirement.heldBySnapshotsCount;
  }
}

function durableAtStart(
  shared: Shared,
  context: ApplyContext,
  freeMap: DurableState['freeMap'],
): DurableState {
  const { meta } = context.init;
  const catalog = new TreeRoot();
  catalog.page = meta.catalogPage;
  catalog.birth = meta.catalogBirth;
  catalog.count = meta.catalogCount;
  // Until the first group the staged rows are those of the checkpoint.
  const rows = shared.roots.slice(ROOTS_STAGED, ROOTS_STAGED + usedSlots(shared) * ROOT_WORDS);
  return { meta, catalog, freeMap, rows };
}
