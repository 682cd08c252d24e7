/**
 * Merging sealed generations of the write buffer into the trees: window by window, each window a
 * root set of its own. Generations that wait behind the first are merged together with it, unless a
 * snapshot stands between: with random keys each of them changes nearly every leaf. A step is one
 * bounded piece. Threads: apply worker 0.
 *
 * Invariants
 * 1. A generation is merged only when its last commit is synced, when the main thread wants it to
 *    be (`core/src/apply/merge-schedule.ts`) or it is urgent, and when no group is open. Until
 *    it is merged its entry is the oldest of the intake, so no group opens either.
 * 2. Staged rows stand at a published window's end, or at the group before: a checkpoint may begin
 *    between any two steps.
 * 3. A root set at a stop is the newest one until VIEW has reached the stop: the main thread then
 *    has a copy of it for its snapshots. The next window is built meanwhile, but not staged.
 * 4. A buffer is not touched any more once its last window was published: the main thread empties
 *    it.
 * 5. Half of the generations are merged together at most: the main thread fills the others
 *    meanwhile, and gets all of them back at once.
 */
import {
  MERGE_WHOLE,
  NO_ENTRY,
  NO_SEQUENCE,
  PROGRESS_MERGE_LEFT,
  PROGRESS_MERGE_WANTED,
  PROGRESS_SYNCED,
  PROGRESS_VIEW,
  REASON_SPACE,
  STAT_MERGES,
  STAT_MERGE_BYTES,
  STAT_MERGE_COMMITS,
  STAT_MERGE_ENTRIES,
  STAT_MERGE_NS,
  THREAD_MAIN,
  WriteBuffer,
  assert,
  loadWide,
  ringBell,
} from '@manifold-db/storage';
import type { PageSink } from '../drain.js';
import type { Intake } from '../intake.js';
import type { ApplyGroups } from '../publish.js';
import { MergeWindow, WindowStep, type MergeParts } from './merge-window.js';
import { readSealedGeneration, type SealedGeneration } from './sealed-generation.js';
import { stageWindow } from './stage-window.js';

const NS_PER_MS = 1e6;
/** The main thread is told how far the merge is when it has come so much further. */
const LEFT_STEP = MERGE_WHOLE / 32;

/** The generations that are being merged. */
interface Running {
  /** Oldest first. What is behind the first one was taken along by its last window. */
  readonly generations: SealedGeneration[];
  readonly buffers: WriteBuffer[];
  /** Index in `ends` of the first generation of the window in work. */
  windowIndex: number;
  /** `undefined` until the window is begun. */
  window: MergeWindow | undefined;
  /** Every change of the window is made. */
  isWindowComplete: boolean;
  /** Keys of the windows that are published. */
  keysDone: number;
  /** What VIEW must have reached before the window is published. */
  viewAwaited: number;
}

export class Merger {
  readonly #parts: MergeParts;
  readonly #intake: Intake;
  readonly #groups: ApplyGroups;
  readonly #pages: PageSink;
  /** Attached when they are first sealed. */
  readonly #buffers: (WriteBuffer | undefined)[] = [];
  readonly #togetherMax: number;
  #running: Running | undefined;

  constructor(parts: MergeParts, intake: Intake, groups: ApplyGroups, pages: PageSink) {
    this.#parts = parts;
    this.#intake = intake;
    this.#groups = groups;
    this.#pages = pages;
    const { writeBufferCount } = parts.context.shared.sizes;
    this.#togetherMax = Math.max(1, Math.floor(writeBufferCount / 2));
  }

  /** A merge is under way, or the next step begins one. */
  isBusy(isUrgent: boolean): boolean {
    return this.#running !== undefined || this.#dueEntry(isUrgent) !== NO_ENTRY;
  }

  /** The merge waits for frames that a checkpoint or other threads will let go. */
  get isWaitingForFrames(): boolean {
    return this.#running !== undefined && this.#parts.memory.isWaiting;
  }

  /**
   * The next piece, if a generation is due; no group is open. Returns whether there was any.
   * `isUrgent`: the log is out of room, or the database is closing, whatever the main thread wants.
   */
  step(isUrgent: boolean): boolean {
    const running = (this.#running ??= this.#begin(isUrgent));
    if (running === undefined) return false;
    const startedMs = performance.now();
    const hasWorked = this.#advance(running);
    const { statistics } = this.#parts.context.shared;
    statistics[STAT_MERGE_NS]! += (performance.now() - startedMs) * NS_PER_MS;
    return hasWorked;
  }

  /** Entry of the oldest sealed generation if it may be merged, else NO_ENTRY. */
  #dueEntry(isUrgent: boolean): number {
    const { progress } = this.#parts.context.shared;
    const wanted = loadWide(progress, PROGRESS_MERGE_WANTED);
    if (wanted <= this.#groups.staged && !isUrgent) return NO_ENTRY;
    return this.#intake.firstSealed(loadWide(progress, PROGRESS_SYNCED));
  }

  #begin(isUrgent: boolean): Running | undefined {
    const at = this.#dueEntry(isUrgent);
    if (at === NO_ENTRY) return undefined;
    const generation = readSealedGeneration(this.#intake.words, at);
    const buffer = this.#attach(generation.index);
    const { staged } = this.#groups;
    assert(buffer.lastSequence === generation.sequence, 'the entry names the sealed generation');
    assert(buffer.firstSequence > staged, 'a generation follows what was applied before it');
    // The root set of a stop before the first commit is published already.
    const isPublished = generation.ends[0] === staged;
    assert(generation.ends[0]! >= staged, 'no stop lies in a generation before');
    return {
      generations: [generation],
      buffers: [buffer],
      windowIndex: isPublished ? 1 : 0,
      window: undefined,
      isWindowComplete: false,
      keysDone: 0,
      viewAwaited: isPublished ? staged : NO_SEQUENCE,
    };
  }

  #attach(index: number): WriteBuffer {
    const memory = this.#parts.context.shared.writeBuffers[index];
    assert(memory !== undefined, 'the entry names one of the write buffers');
    return (this.#buffers[index] ??= new WriteBuffer(memory));
  }

  #advance(running: Running): boolean {
    const window = (running.window ??= this.#beginWindow(running));
    let hasWorked = false;
    if (!running.isWindowComplete) {
      const outcome = window.step();
      this.#tellLeft(running, window);
      if (outcome !== WindowStep.COMPLETE) return outcome === WindowStep.MORE;
      running.isWindowComplete = true;
      hasWorked = true;
    }
    if (!this.#hasViewReached(running.viewAwaited)) return hasWorked;
    this.#finishWindow(running, window);
    return true;
  }

  #beginWindow(running: Running): MergeWindow {
    const { staged, trace } = this.#groups;
    trace?.begin(staged);
    const { ends } = running.generations[0]!;
    const isLast = running.windowIndex === ends.length - 1;
    if (isLast) this.#takeAlong(running);
    const end = isLast ? running.generations.at(-1)!.sequence : ends[running.windowIndex]!;
    return new MergeWindow(this.#parts, running.buffers, staged, end);
  }

  /** Adds the generations behind the first one that are due and have no stop. */
  #takeAlong({ generations, buffers }: Running): void {
    const synced = loadWide(this.#parts.context.shared.progress, PROGRESS_SYNCED);
    let at = this.#intake.firstSealed(synced);
    while (generations.length < this.#togetherMax) {
      at = this.#intake.sealedBehind(at, synced);
      if (at === NO_ENTRY) return;
      const generation = readSealedGeneration(this.#intake.words, at);
      if (generation.ends.length > 1) return;
      generations.push(generation);
      buffers.push(this.#attach(generation.index));
    }
  }

  /** Whoever fills the last free generation does it no faster than room is made. */
  #tellLeft({ buffers, keysDone }: Running, window: MergeWindow): void {
    const { progress, bells } = this.#parts.context.shared;
    const keys = buffers.reduce((sum, buffer) => sum + buffer.keyCount, 0);
    const share = Math.min(1, (keysDone + window.entryCount) / Math.max(keys, 1));
    // Not 0 before the end: until then nothing is free.
    const left = Math.max(1, Math.ceil((1 - share) * MERGE_WHOLE));
    const before = progress[PROGRESS_MERGE_LEFT]!;
    if (before !== 0 && before - left < LEFT_STEP) return;
    Atomics.store(progress, PROGRESS_MERGE_LEFT, left);
    ringBell(bells, THREAD_MAIN, REASON_SPACE);
  }

  #hasViewReached(sequence: number): boolean {
    return loadWide(this.#parts.context.shared.progress, PROGRESS_VIEW) >= sequence;
  }

  /** Nothing else runs on this thread between staging and publishing (invariant 2). */
  #finishWindow(running: Running, window: MergeWindow): void {
    const { shared, pager } = this.#parts.context;
    const { generations, buffers } = running;
    const isLast = window.end === generations.at(-1)!.sequence;
    const merged = isLast ? buffers : [];
    // Invariant 4: read before they are published.
    const commits = merged.reduce((sum, buffer) => sum + buffer.commitCount, 0);
    this.#count(window, merged, commits);
    stageWindow(shared, window, this.#pages);
    if (isLast) Atomics.store(shared.progress, PROGRESS_MERGE_LEFT, 0);
    this.#groups.publishMerged(window.end, pager.birthMark(), merged.length, commits);
    if (isLast) {
      for (let i = 0; i < generations.length; i++) this.#intake.drop();
      this.#running = undefined;
      return;
    }
    running.windowIndex++;
    running.keysDone += window.entryCount;
    running.window = undefined;
    running.isWindowComplete = false;
    running.viewAwaited = window.end;
  }

  /** `merged`: the generations that are whole in the trees with this window. */
  #count(window: MergeWindow, merged: readonly WriteBuffer[], commits: number): void {
    const { statistics } = this.#parts.context.shared;
    statistics[STAT_MERGE_ENTRIES]! += window.entryCount;
    statistics[STAT_MERGES]! += merged.length;
    statistics[STAT_MERGE_COMMITS]! += commits;
    for (const buffer of merged) statistics[STAT_MERGE_BYTES]! += buffer.usedBytes;
  }
}
