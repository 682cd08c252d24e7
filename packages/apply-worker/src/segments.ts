/**
 * The log segments beside the one being written: ready ones ahead of it, obsolete ones that are
 * recycled. Threads: apply worker 0. Layout: `layout/log-space.ts`; the files themselves are
 * handled in `log-files/` of storage.
 *
 * Invariants
 * 1. A segment becomes obsolete only after a meta page that names a later one as the oldest is
 *    durable.
 * 2. LOG_PREPARED_SEGMENT moves only after file and directory of the segment were synced.
 * 3. All segment files together never take more than walBytesMax.
 */
import {
  LOG_OLDEST_SEGMENT,
  LOG_PREPARED_SEGMENT,
  LOG_WANTED_SEGMENTS,
  LOG_WRITING_SEGMENT,
  REASON_REQUEST,
  REASON_SPACE,
  SEGMENT_RECYCLED_NAME,
  STAT_SEGMENTS_CREATED,
  STAT_SEGMENTS_RECYCLED,
  SegmentPreparation,
  THREAD_MAIN,
  THREAD_WAL,
  parseSegmentFileName,
  recycleSegment,
  ringBell,
  segmentFileName,
  type SegmentSpec,
} from '@manifold-db/storage';
import { join } from 'node:path';
import type { ApplyContext } from './context.js';
import type { DiskSpace } from './disk-space.js';
import { requireLock } from './failures.js';

export class Segments {
  readonly #context: ApplyContext;
  readonly #space: DiskSpace;
  readonly #spec: SegmentSpec;
  readonly #segmentsMax: number;
  /** Names of files that may be recycled. */
  readonly #obsolete: string[];
  #preparation: SegmentPreparation | undefined;
  #isStarved = false;

  constructor(context: ApplyContext, space: DiskSpace) {
    this.#context = context;
    this.#space = space;
    const { init } = context;
    const { walSegmentBytes, walBytesMax } = init.buffers.sizes;
    this.#spec = {
      directory: init.directory,
      segmentBytes: walSegmentBytes,
      databaseId: init.databaseId,
    };
    this.#segmentsMax = Math.floor(walBytesMax / walSegmentBytes);
    this.#obsolete = init.obsoleteSegments.filter((name) => !this.#isLive(name)).sort();
  }

  /** More segments are wanted, but only a checkpoint can provide them. */
  get isStarved(): boolean {
    return this.#isStarved;
  }

  /**
   * Does the next piece of work: at most one write or one sync. Returns whether there was any, or
   * the news that segments are wanted which only a checkpoint can provide.
   */
  step(): boolean {
    const { logSpace } = this.#context.shared;
    const prepared = Atomics.load(logSpace, LOG_PREPARED_SEGMENT);
    const ahead = prepared - Atomics.load(logSpace, LOG_WRITING_SEGMENT);
    const wanted = Math.max(
      this.#context.init.segmentsAheadTarget,
      Atomics.load(logSpace, LOG_WANTED_SEGMENTS),
    );
    const wasStarved = this.#isStarved;
    this.#isStarved = false;
    if (this.#preparation !== undefined) return this.#continue();
    if (ahead >= wanted) {
      this.#space.succeeded('segments');
      return this.#removeSurplus(prepared);
    }
    if (!this.#space.mayTry('segments')) return false;
    const fileName = this.#takeObsolete(prepared + 1);
    if (fileName !== undefined) return this.#recycle(fileName, prepared + 1);
    if (this.#fileCount(prepared) >= this.#segmentsMax) {
      this.#isStarved = true;
      // The next step acts on it, and must come before the thread sleeps: nobody rings for it.
      return !wasStarved;
    }
    this.#preparation = new SegmentPreparation(this.#context.vfs, this.#spec, prepared + 1);
    return this.#continue();
  }

  /** A durable meta page names `oldest`: the segments before it may be recycled. */
  reclaim(oldest: number): void {
    const { logSpace } = this.#context.shared;
    for (let segment = logSpace[LOG_OLDEST_SEGMENT]!; segment < oldest; segment++) {
      const fileName = segmentFileName(segment);
      // Recovery may have read the segment from a file of another name.
      const isThere = this.#context.vfs.exists(join(this.#spec.directory, fileName));
      if (isThere) this.#obsolete.push(fileName);
    }
    Atomics.store(logSpace, LOG_OLDEST_SEGMENT, oldest);
  }

  /** Releases the file of a half-made segment, which stays: the next run writes over it. */
  close(): void {
    this.#preparation?.close();
  }

  /** Leaves no half-made segment behind. */
  stop(): void {
    this.#preparation?.abandon();
    this.#preparation = undefined;
  }

  /** Recovery may have made a segment over a file that the scan before had called obsolete. */
  #isLive(fileName: string): boolean {
    const { logSpace } = this.#context.shared;
    const number = parseSegmentFileName(fileName) ?? 0;
    return number >= logSpace[LOG_OLDEST_SEGMENT]! && number <= logSpace[LOG_PREPARED_SEGMENT]!;
  }

  #fileCount(prepared: number): number {
    const oldest = this.#context.shared.logSpace[LOG_OLDEST_SEGMENT]!;
    return prepared - oldest + 1 + this.#obsolete.length;
  }

  /** The file that already has the next segment's name goes first, or it would be overwritten. */
  #takeObsolete(next: number): string | undefined {
    const sameName = this.#obsolete.indexOf(segmentFileName(next));
    if (sameName >= 0) return this.#obsolete.splice(sameName, 1)[0];
    return this.#obsolete.shift();
  }

  #recycle(fileName: string, segmentNumber: number): boolean {
    requireLock(this.#context);
    const { shared, vfs } = this.#context;
    let isReady = false;
    const isDone = this.#space.attempt('segments', () => {
      isReady = recycleSegment(vfs, this.#spec, fileName, segmentNumber);
    });
    if (!isDone) {
      // First again, under the name it has by now: no other file may get that name meanwhile.
      const isBetween = vfs.exists(join(this.#spec.directory, SEGMENT_RECYCLED_NAME));
      this.#obsolete.unshift(isBetween ? SEGMENT_RECYCLED_NAME : fileName);
      return false;
    }
    if (isReady) {
      shared.statistics[STAT_SEGMENTS_RECYCLED]! += 1;
      this.#publish(segmentNumber);
    }
    return true;
  }

  #continue(): boolean {
    const preparation = this.#preparation!;
    let isReady = false;
    const isDone = this.#space.attempt('segments', () => {
      isReady = preparation.step();
    });
    if (!isDone) {
      // What was filled so far is of no use, and others may need the space.
      this.stop();
      return false;
    }
    if (isReady) {
      requireLock(this.#context);
      this.#preparation = undefined;
      this.#context.shared.statistics[STAT_SEGMENTS_CREATED]! += 1;
      this.#publish(preparation.segmentNumber);
    }
    return true;
  }

  #publish(segmentNumber: number): void {
    const { logSpace, bells } = this.#context.shared;
    Atomics.store(logSpace, LOG_PREPARED_SEGMENT, segmentNumber);
    this.#space.succeeded('segments');
    ringBell(bells, THREAD_WAL, REASON_REQUEST);
    ringBell(bells, THREAD_MAIN, REASON_SPACE | REASON_REQUEST);
  }

  /** A database that was opened with a smaller walBytesMax than before gives files back. */
  #removeSurplus(prepared: number): boolean {
    if (this.#obsolete.length === 0 || this.#fileCount(prepared) <= this.#segmentsMax) return false;
    const { vfs, init } = this.#context;
    vfs.remove(join(init.directory, this.#obsolete.shift()!));
    return true;
  }
}
