/**
 * The fsync worker's loop, stage WaitForSync of the pipeline: takes what is published in the ring,
 * writes it to the log, syncs, publishes how far. Threads: the fsync worker, or the one thread of
 * the in-process scheduler. Sole writer of WRITTEN, SYNCED, the ring's consumed counters,
 * LOG_WRITING_* and the segment rows.
 *
 * Nothing here waits: `step()` does one bounded thing. Writing and syncing are different steps, so
 * that appends (and, in the simulator, a power cut) fall between them.
 *
 * Invariants
 * 1. SYNCED is the value WRITTEN had before the sync began: what is appended or written while the
 *    disk works belongs to the next group.
 * 2. WRITTEN counts a sequence once its last fragment is in the file, in sequence order.
 * 3. A group lies in one segment: a segment is left by END block, sync, publish, and only then is
 *    the next one written to.
 * 4. No window, no pause: whatever came in during one sync is the next group.
 * 5. An I/O error poisons the database and stops the loop; nothing is retried.
 */
import {
  BlockKind,
  LOG_PREPARED_SEGMENT,
  LOG_SEGMENT_ROWS,
  LOG_WRITING_OFFSET,
  LOG_WRITING_SEGMENT,
  PROGRESS_APPENDED,
  PROGRESS_SHUTDOWN,
  PROGRESS_SYNCED,
  PROGRESS_WRITTEN,
  REASON_REQUEST,
  REASON_SPACE,
  REASON_SYNCED,
  REASON_WRITTEN,
  RingConsumer,
  SEGMENT_DATA_OFFSET,
  SEGMENT_ROWS,
  SHUTDOWN_DRAIN,
  SHUTDOWN_NOW,
  TEST_SWITCH_APPEND_BEHIND_GARBAGE,
  TEST_SWITCH_ASSIGNED_BEFORE_SYNC,
  TEST_SWITCH_LOST_LEADER,
  TEST_SWITCH_OVER_ACKNOWLEDGE,
  THREAD_APPLY,
  THREAD_MAIN,
  TRACE_SYNC,
  TRACE_WAL,
  TRACE_WRITE,
  WIDE_WORDS,
  assert,
  hasFailed,
  isTestSwitchOn,
  loadWide,
  loadWideOwned,
  ringBell,
  storeWide,
  traceWriterFor,
  type Shared,
  type TraceWriter,
} from '@manifold-db/storage';
import { writeOutOfOrder } from './reinjected-order.js';
import { reportFailure } from './report-failure.js';
import type { StepResult, WalEnvironment } from './init.js';
import { SegmentWriter, type BlockStamp, type SegmentContext } from './segment-writer.js';
import { WalFigures } from './statistics.js';

/** Commits that may be synced, one group after another, before the apply workers are rung. */
const COMMITS_PER_APPLY_RING = 32;

export class WalLoop {
  private readonly shared: Shared;
  private readonly context: SegmentContext;
  private readonly environment: WalEnvironment;
  private readonly consumer: RingConsumer;
  private readonly figures: WalFigures;
  private readonly trace: TraceWriter | undefined;
  private readonly stamp: BlockStamp;
  private segment: SegmentWriter;
  /** A group is written and not synced. */
  private isSyncDue = false;
  /** The END block is written; after the sync the next segment is opened. */
  private isLeaving = false;
  /** A block that no sync has covered, if only a watermark block. */
  private hasUnsynced = false;
  /** Newest sequence that is durable, whatever a test switch publishes. */
  private synced: number;
  /** The watermark in the newest block. */
  private witnessed: number;
  private isStopped = false;
  /** Newest sequence that the apply workers were rung for. */
  private told: number;
  /** Test switch LOST_LEADER only: a sync failed and nobody was told. */
  private isLeaderLost = false;

  constructor(
    shared: Shared,
    context: SegmentContext,
    start: { segmentNumber: number; offset: number; lastTimestampMs?: number },
    environment: WalEnvironment = {},
  ) {
    const written = loadWide(shared.progress, PROGRESS_WRITTEN);
    this.shared = shared;
    this.context = context;
    this.environment = environment;
    this.consumer = new RingConsumer(shared, written);
    this.figures = new WalFigures(shared.statistics);
    this.trace = traceWriterFor(shared, TRACE_WAL);
    this.segment = new SegmentWriter(context, start.segmentNumber, start.offset);
    this.synced = loadWide(shared.progress, PROGRESS_SYNCED);
    this.told = this.synced;
    // What recovery found is durable by now, but the log may hold no block that says so.
    this.witnessed = 0;
    this.stamp = { syncedWatermark: 0, timestampMs: start.lastTimestampMs ?? 0 };
    this.publishPosition();
  }

  step(): StepResult {
    if (this.isStopped) return 'stopped';
    const shutdown = Atomics.load(this.shared.progress, PROGRESS_SHUTDOWN);
    if (shutdown === SHUTDOWN_NOW || hasFailed(this.shared)) return this.stop();
    if (this.isLeaderLost) return 'idle';
    const isSyncing = this.isSyncDue;
    try {
      if (isSyncing) return this.syncGroup();
      if (this.isLeaving) return this.openNextSegment();
      if (this.writeGroup()) return 'worked';
      return this.rest(shutdown);
    } catch (error) {
      if (isSyncing && isTestSwitchOn(this.shared, TEST_SWITCH_LOST_LEADER)) {
        this.isLeaderLost = true;
        return 'idle';
      }
      reportFailure(this.shared, error, isSyncing, this.segment.path);
      return this.stop();
    }
  }

  /** Whether `step()` would do anything but return 'idle': asked before the thread sleeps. */
  hasWork(): boolean {
    const shutdown = Atomics.load(this.shared.progress, PROGRESS_SHUTDOWN);
    if (this.isStopped || shutdown === SHUTDOWN_NOW || hasFailed(this.shared)) return true;
    if (this.isLeaderLost) return false;
    if (this.isSyncDue || this.isLeaving || this.consumer.hasPublished()) return true;
    if (this.isWitnessDue()) return true;
    return shutdown === SHUTDOWN_DRAIN && !this.consumer.hasClaimed();
  }

  /** Releases the file. Idempotent; part of stopping, and for a caller that gives up the loop. */
  close(): void {
    this.isStopped = true;
    this.segment.close();
  }

  private stop(): StepResult {
    this.ringApplyWorkers();
    this.close();
    return 'stopped';
  }

  /** Writes what was claimed when the step began and is published: at most a full ring. */
  private writeGroup(): boolean {
    const { consumer } = this;
    const start = performance.now();
    this.trace?.begin(consumer.completedSequence);
    const bound = consumer.claimed();
    let hasWritten = false;
    while (consumer.gather(this.segment.payloadBytesMax(), bound) > 0) {
      this.writeBlock();
      hasWritten = true;
    }
    if (consumer.refusedBytes > 0) this.endSegment();
    if (!hasWritten && !this.isLeaving) return false;
    this.figures.countWrite(performance.now() - start);
    this.trace?.end(TRACE_WRITE, consumer.completedSequence);
    this.isSyncDue = true;
    return true;
  }

  private writeBlock(): void {
    const { consumer, segment, stamp, shared } = this;
    const { byteOffset, bytes, records, firstSequence, lastSequence } = consumer;
    const payload = shared.ringBytes.subarray(byteOffset, byteOffset + bytes);
    this.refreshStamp();
    try {
      if (!writeOutOfOrder(shared, segment, consumer, stamp)) {
        segment.writeData(payload, records, firstSequence, lastSequence, stamp);
      }
    } catch (error) {
      if (!isTestSwitchOn(this.shared, TEST_SWITCH_APPEND_BEHIND_GARBAGE)) throw error;
      segment.skipGarbage(bytes);
      if (bytes > segment.payloadBytesMax()) throw error;
      segment.writeData(payload, records, firstSequence, lastSequence, stamp);
    }
    this.blockIsWritten();
    this.figures.countBlock(records, bytes);
    Atomics.store(shared.logSpace, LOG_WRITING_OFFSET, segment.offset);
    storeWide(shared.progress, PROGRESS_WRITTEN, consumer.completedSequence);
    consumer.release();
    ringBell(shared.bells, THREAD_MAIN, REASON_WRITTEN | REASON_SPACE);
  }

  private endSegment(): void {
    const prepared = Atomics.load(this.shared.logSpace, LOG_PREPARED_SEGMENT);
    // END tells recovery that the next segment exists.
    assert(this.segment.segmentNumber < prepared, 'no record is admitted without log space');
    this.writeMark(BlockKind.END);
    this.isLeaving = true;
  }

  private writeMark(kind: typeof BlockKind.WATERMARK | typeof BlockKind.END): void {
    this.refreshStamp();
    this.segment.writeMark(kind, this.consumer.lastSequence, this.stamp);
    this.figures.countMark();
    this.blockIsWritten();
    Atomics.store(this.shared.logSpace, LOG_WRITING_OFFSET, this.segment.offset);
  }

  private blockIsWritten(): void {
    this.witnessed = this.stamp.syncedWatermark;
    this.hasUnsynced = true;
  }

  private refreshStamp(): void {
    const now = (this.environment.wallClockMs ?? Date.now)();
    if (now > this.stamp.timestampMs) this.stamp.timestampMs = now;
    this.stamp.syncedWatermark = this.synced;
  }

  private syncGroup(): StepResult {
    const { progress, bells } = this.shared;
    // Captured before the sync (invariant 1). This thread is the only writer of WRITTEN.
    const captured = loadWideOwned(progress, PROGRESS_WRITTEN);
    // B1 re-injected: assigned is not written.
    const early = isTestSwitchOn(this.shared, TEST_SWITCH_ASSIGNED_BEFORE_SYNC)
      ? loadWide(progress, PROGRESS_APPENDED)
      : captured;
    const start = performance.now();
    this.trace?.begin(this.synced);
    this.segment.dataSync();
    this.trace?.end(TRACE_SYNC, captured);
    this.figures.countSync(performance.now() - start, captured > this.synced);
    this.isSyncDue = false;
    this.hasUnsynced = false;
    this.synced = captured;
    const published = isTestSwitchOn(this.shared, TEST_SWITCH_OVER_ACKNOWLEDGE)
      ? loadWide(progress, PROGRESS_APPENDED)
      : early;
    if (published <= loadWideOwned(progress, PROGRESS_SYNCED)) return 'worked';
    storeWide(progress, PROGRESS_SYNCED, published);
    ringBell(bells, THREAD_MAIN, REASON_SYNCED);
    if (captured - this.told >= COMMITS_PER_APPLY_RING) this.ringApplyWorkers();
    return 'worked';
  }

  /**
   * Also called before the thread sleeps. Callers wait for the sync, the apply workers have time:
   * woken for every group, they would take the processor from a caller that was just acknowledged.
   */
  ringApplyWorkers(): void {
    if (this.told === this.synced) return;
    this.told = this.synced;
    const { bells, sizes } = this.shared;
    for (let worker = 0; worker < sizes.applyWorkers; worker++) {
      ringBell(bells, THREAD_APPLY + worker, REASON_SYNCED);
    }
  }

  private openNextSegment(): StepResult {
    const { logSpace, bells } = this.shared;
    const left = this.segment;
    this.segment = new SegmentWriter(this.context, left.segmentNumber + 1, SEGMENT_DATA_OFFSET);
    left.close();
    const row = LOG_SEGMENT_ROWS + (left.segmentNumber % SEGMENT_ROWS) * WIDE_WORDS;
    // The row before the number: whoever sees the new number may read the rows below it. The number
    // before any release of a record in that segment: log-space admission counts on it.
    storeWide(logSpace, row, this.consumer.lastSequence);
    this.publishPosition();
    this.isLeaving = false;
    ringBell(bells, THREAD_APPLY, REASON_REQUEST);
    return 'worked';
  }

  /** Nothing to write. The witness waits until then, so it never delays a commit. */
  private rest(shutdown: number): StepResult {
    if (this.consumer.hasPublished()) return 'worked';
    if (this.isWitnessDue()) {
      this.writeMark(BlockKind.WATERMARK);
      return 'worked';
    }
    // Claims end before SHUTDOWN_DRAIN is stored, so none can follow this look.
    if (shutdown !== SHUTDOWN_DRAIN || this.consumer.hasClaimed()) return 'idle';
    if (!this.hasUnsynced) return this.stop();
    this.isSyncDue = true;
    return 'worked';
  }

  /** The newest group is durable, but no block says so yet. */
  private isWitnessDue(): boolean {
    return this.synced > this.witnessed && this.segment.hasRoomForWatermark();
  }

  private publishPosition(): void {
    const { logSpace } = this.shared;
    Atomics.store(logSpace, LOG_WRITING_OFFSET, this.segment.offset);
    Atomics.store(logSpace, LOG_WRITING_SEGMENT, this.segment.segmentNumber);
  }
}
