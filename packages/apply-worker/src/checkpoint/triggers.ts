/**
 * When a checkpoint begins. Threads: apply worker 0.
 */
import {
  LOG_OLDEST_SEGMENT,
  LOG_WRITING_OFFSET,
  LOG_WRITING_SEGMENT,
  PROGRESS_CHECKPOINT_DONE,
  PROGRESS_CHECKPOINT_WANTED,
  REASON_REQUEST,
  THREAD_MAIN,
  oldestNeededSegment,
  ringBell,
} from '@manifold-db/storage';
import type { ApplyContext } from '../context.js';
import type { PageAccount } from '../page-account.js';
import type { Retirement } from '../retire/retirement.js';

/** A checkpoint begins when the log grew by this share of its limit. */
const LOG_SHARE = 2;
/** For want of memory it begins only if it can free this share of the frames. */
const USEFUL_SHARE = 16;

export type CheckpointReason = 'request' | 'log' | 'dirty' | 'interval' | 'shutdown';

export interface TriggerState {
  /** Sequence of the staged rows, and of the durable checkpoint. */
  readonly staged: number;
  readonly durable: number;
  /** More segments are wanted, but all are in use. */
  readonly isStarved: boolean;
  /** A merge is under way or next: it supersedes most of what a checkpoint would write now. */
  readonly isMerging: boolean;
  /** It cannot go on for want of frames. */
  readonly isMergeWaiting: boolean;
  readonly isShuttingDown: boolean;
}

export class CheckpointTriggers {
  readonly #context: ApplyContext;
  readonly #account: PageAccount;
  readonly #retirement: Retirement;
  #logPosition: number;
  /** When the oldest change that is in no checkpoint was seen. */
  #changedSinceMs: number | undefined;

  constructor(context: ApplyContext, account: PageAccount, retirement: Retirement) {
    this.#context = context;
    this.#account = account;
    this.#retirement = retirement;
    this.#logPosition = this.#currentLogPosition();
  }

  /** Why a checkpoint should begin now, if it should. */
  reason(state: TriggerState): CheckpointReason | undefined {
    const { shared, nowMs } = this.#context;
    const hasChanges = state.staged > state.durable;
    if (hasChanges) this.#changedSinceMs ??= nowMs();
    if (!hasChanges && !this.#couldShortenLog(state.durable)) {
      this.#answerRequests();
      return this.#isMemoryShort(state, 0) ? 'dirty' : undefined;
    }
    if (this.#isRequested()) return 'request';
    if (state.isShuttingDown && hasChanges) return 'shutdown';
    const logBytes = this.#currentLogPosition() - this.#logPosition;
    const { walBytesMax } = shared.sizes;
    if (state.isStarved || (hasChanges && logBytes > walBytesMax / LOG_SHARE)) return 'log';
    if (!hasChanges) return undefined;
    if (this.#isMemoryShort(state, this.#account.unwritten.count)) return 'dirty';
    return this.#intervalLeftMs() <= 0 ? 'interval' : undefined;
  }

  /** A checkpoint of everything staged begins. */
  begun(): void {
    this.#logPosition = this.#currentLogPosition();
    this.#changedSinceMs = undefined;
  }

  /** Dirty frames of commits that are not synced yet, or not built yet, are not in its power. */
  #isMemoryShort(state: TriggerState, unwrittenCount: number): boolean {
    const { init, pager } = this.#context;
    const freeableCount = unwrittenCount + this.#retirement.unrelievedCount;
    if (state.isMergeWaiting) return freeableCount > 0;
    const frames = pager.frameCount();
    const { dirtyShareMax } = init;
    const shareMax = state.isMerging ? (1 + dirtyShareMax) / 2 : dirtyShareMax;
    if (pager.dirtyFrames() <= frames * shareMax) return false;
    return freeableCount >= frames / USEFUL_SHARE;
  }

  /**
   * Whether the checkpoint also writes superseded pages that only snapshots hold: they are not part
   * of the version, but their frames would stay dirty as long as the snapshots are open.
   */
  relieves(reason: CheckpointReason): boolean {
    const { unrelievedCount } = this.#retirement;
    const isMuch = unrelievedCount >= this.#context.pager.frameCount() / USEFUL_SHARE;
    return isMuch || (reason === 'dirty' && unrelievedCount > 0);
  }

  /** Time until the interval alone is a reason; an interval of 0 never is. */
  #intervalLeftMs(): number {
    const { init, nowMs } = this.#context;
    if (this.#changedSinceMs === undefined || init.checkpointIntervalMs === 0) return Infinity;
    return this.#changedSinceMs + init.checkpointIntervalMs - nowMs();
  }

  sleepMs(): number {
    return Math.max(0, this.#intervalLeftMs());
  }

  #isRequested(): boolean {
    const { progress } = this.#context.shared;
    const wanted = Atomics.load(progress, PROGRESS_CHECKPOINT_WANTED);
    return wanted !== Atomics.load(progress, PROGRESS_CHECKPOINT_DONE);
  }

  /** The durable checkpoint has everything there is. */
  #answerRequests(): void {
    const { progress, bells } = this.#context.shared;
    const wanted = Atomics.load(progress, PROGRESS_CHECKPOINT_WANTED);
    if (wanted === Atomics.load(progress, PROGRESS_CHECKPOINT_DONE)) return;
    Atomics.store(progress, PROGRESS_CHECKPOINT_DONE, wanted);
    ringBell(bells, THREAD_MAIN, REASON_REQUEST);
  }

  #couldShortenLog(durable: number): boolean {
    const { shared } = this.#context;
    const oldest = Atomics.load(shared.logSpace, LOG_OLDEST_SEGMENT);
    return oldestNeededSegment(shared, durable) > oldest;
  }

  #currentLogPosition(): number {
    const { logSpace, sizes } = this.#context.shared;
    const segment = Atomics.load(logSpace, LOG_WRITING_SEGMENT);
    return segment * sizes.walSegmentBytes + Atomics.load(logSpace, LOG_WRITING_OFFSET);
  }
}
