/**
 * The checkpoint: writes one frozen root set to the data file in bounded steps, beside newer
 * commits. Threads: apply worker 0.
 *
 *   grow → data pages → catalog → free map → grow → their pages → sync → meta → meta sync → finish
 *
 * Invariants
 * 1. The frozen version is a reader: its pages are neither retired nor reused until its meta page
 *    is durable, and it is the durable checkpoint from then on.
 * 2. The meta page is written after every page it leads to is durable, into the slot that does not
 *    hold the durable meta.
 * 3. Log segments are given up, and pages that only the older checkpoint reached are reused, only
 *    after the meta page is durable.
 * 4. A page that the durable checkpoint reaches is never overwritten: everything goes to pages that
 *    were free in it.
 */
import {
  LOG_WRITING_SEGMENT,
  ManifoldError,
  PROGRESS_CHECKPOINTED,
  PROGRESS_CHECKPOINT_DONE,
  REASON_APPLIED,
  REASON_REQUEST,
  REASON_SPACE,
  ROOT_WORDS,
  STAT_CHECKPOINTS,
  STAT_CHECKPOINT_NS,
  TEST_SWITCH_META_IN_PLACE,
  TEST_SWITCH_RECYCLE_EARLY,
  THREAD_MAIN,
  type TreeRoot,
  encodeMeta,
  isTestSwitchOn,
  metaSlot,
  oldestNeededSegment,
  ringBell,
  storeWide,
  COSTLY_CHECKS,
  Diff,
  FREED_WORDS,
  type Meta,
} from '@manifold-db/storage';
import type { ApplyContext } from '../context.js';
import type { DiskSpace } from '../disk-space.js';
import { requireLock } from '../failures.js';
import type { PageAccount } from '../page-account.js';
import type { Retirement } from '../retire/retirement.js';
import type { Segments } from '../segments.js';
import { updateCatalog } from './catalog-update.js';
import { checkDurableVersion } from './check-version.js';
import type { DataFileEnd } from './data-file-end.js';
import { FreeMapUpdate, type FreeMapPlace } from './free-map-update.js';
import type { FrozenVersion } from './frozen-version.js';
import { PageWriteOut } from './page-write-out.js';
import { publishOldRoots, rowsToWrite } from './reinjected-rows.js';

const NS_PER_MS = 1e6;

/** What the durable checkpoint is made of. */
export interface DurableState {
  meta: Meta;
  catalog: TreeRoot;
  freeMap: FreeMapPlace;
  /** Root rows, ROOT_WORDS per slot. */
  rows: Int32Array;
}

export interface CheckpointParts {
  readonly context: ApplyContext;
  readonly space: DiskSpace;
  readonly account: PageAccount;
  readonly retirement: Retirement;
  readonly segments: Segments;
  readonly fileEnd: DataFileEnd;
}

/** One checkpoint from freeze to finish. */
interface Run {
  readonly frozen: FrozenVersion;
  readonly startedMs: number;
  readonly writeOut: PageWriteOut;
  readonly diff: Diff;
  /** Pages of the catalog and the free map that the durable checkpoint has and this one has not. */
  readonly freed: number[];
  catalog: TreeRoot;
  freeMap: FreeMapPlace;
  meta: Meta | undefined;
  phase: number;
}

/** What one call of a phase did. */
const AGAIN = 0;
const NEXT_PHASE = 1;
/** Nothing: it waits for disk space or frames. */
const BLOCKED = 2;
type Outcome = typeof AGAIN | typeof NEXT_PHASE | typeof BLOCKED;

export class Checkpointer {
  readonly durable: DurableState;
  readonly #parts: CheckpointParts;
  readonly #phases: readonly ((run: Run) => Outcome)[];
  readonly #slotsAtStart: number;
  #run: Run | undefined;
  /** The running checkpoint waits for frames that other threads will let go. */
  isWaitingForFrames = false;

  constructor(parts: CheckpointParts, durable: DurableState) {
    this.#parts = parts;
    this.durable = durable;
    this.#slotsAtStart = durable.rows.length / ROOT_WORDS;
    this.#phases = [
      (run) => this.#grow(run),
      (run) => this.#writePages(run),
      (run) => this.#catalog(run),
      (run) => this.#freeMap(run),
      (run) => this.#grow(run),
      (run) => this.#writePages(run),
      (run) => this.#syncPages(run),
      (run) => this.#writeMeta(run),
      (run) => this.#finish(run),
    ];
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** The version is pinned already (`Retirement.checkpointBegins`). */
  begin(frozen: FrozenVersion): void {
    const { context, space } = this.#parts;
    const diff = new Diff();
    diff.reset(context.pager.newToken());
    this.#run = {
      frozen,
      startedMs: context.nowMs(),
      writeOut: new PageWriteOut(context, space, frozen.pages),
      diff,
      freed: [],
      catalog: this.durable.catalog,
      freeMap: this.durable.freeMap,
      meta: undefined,
      phase: 0,
    };
  }

  /** The next piece of the running checkpoint. Returns whether anything was done. */
  step(): boolean {
    const run = this.#run;
    if (run === undefined || !this.#parts.space.mayTry('checkpoint')) return false;
    const outcome = this.#phases[run.phase]!(run);
    if (outcome === NEXT_PHASE) run.phase++;
    return outcome !== BLOCKED;
  }

  #grow(run: Run): Outcome {
    const { fileEnd } = this.#parts;
    if (!fileEnd.isBehind(run.frozen.inUse.highest())) return NEXT_PHASE;
    return fileEnd.grow() ? AGAIN : BLOCKED;
  }

  #writePages(run: Run): Outcome {
    if (run.writeOut.isWritten) return NEXT_PHASE;
    return run.writeOut.step() ? AGAIN : BLOCKED;
  }

  #catalog(run: Run): Outcome {
    const { shared, pager } = this.#parts.context;
    return this.#withFrames(run, () => {
      const { catalog, rows } = this.durable;
      const after = rowsToWrite(shared, run.frozen.rows, rows, this.#slotsAtStart);
      run.catalog = updateCatalog(shared, pager, run.diff, catalog, rows, after);
      const { inUse, changedChunks } = run.frozen;
      const { account } = this.#parts;
      const { allocated, freed } = netPages(run.diff);
      for (const page of allocated) inUse.add(page);
      for (const page of freed) inUse.delete(page);
      for (const page of [...allocated, ...freed]) {
        changedChunks.add(Math.floor(page / account.chunkPages));
      }
      run.freed.push(...freed);
    });
  }

  #freeMap(run: Run): Outcome {
    const { account, context } = this.#parts;
    const { inUse, changedChunks } = run.frozen;
    const update = new FreeMapUpdate(context.pager, run.diff, inUse, changedChunks);
    const outcome = this.#withFrames(
      run,
      () => {
        run.freeMap = update.run(this.durable.freeMap);
      },
      () => update.undo(),
    );
    if (outcome !== NEXT_PHASE) return outcome;
    run.freed.push(...update.freed);
    // From here on the pages of this checkpoint are in use for the versions to come as well.
    const own = netPages(run.diff).allocated;
    for (const page of own) account.inUse.add(page);
    for (const page of run.freed) account.inUse.delete(page);
    run.writeOut.add(own);
    return NEXT_PHASE;
  }

  /**
   * Runs `work` inside an operation; when no frame is free it is undone and tried again: at once
   * when a sync makes frames of this checkpoint clean, for others may never let any go, else later.
   */
  #withFrames(run: Run, work: () => void, undo?: () => void): Outcome {
    const { pager } = this.#parts.context;
    const mark = run.diff.mark();
    this.isWaitingForFrames = false;
    pager.beginOperation();
    try {
      work();
    } catch (error) {
      if (!(error instanceof ManifoldError) || error.code !== 'ERR_MANIFOLD_FULL') throw error;
      this.isWaitingForFrames = true;
    } finally {
      pager.endOperation();
    }
    if (!this.isWaitingForFrames) return NEXT_PHASE;
    undo?.();
    pager.rollBack(run.diff, mark);
    if (!run.writeOut.isUnsynced) return BLOCKED;
    this.isWaitingForFrames = false;
    run.writeOut.sync();
    return AGAIN;
  }

  #syncPages(run: Run): Outcome {
    run.writeOut.sync();
    return NEXT_PHASE;
  }

  #writeMeta(run: Run): Outcome {
    const { context } = this.#parts;
    if (run.meta === undefined) {
      requireLock(context);
      const meta = this.#newMeta(run);
      const offset = metaSlot(meta.metaGeneration) * meta.pageBytes;
      const isWritten = this.#parts.space.attempt('checkpoint', () => {
        context.dataFile.write([encodeMeta(meta)], offset);
      });
      if (!isWritten) return BLOCKED;
      this.#parts.space.succeeded('checkpoint');
      run.meta = meta;
      return AGAIN;
    }
    context.dataFile.sync();
    return NEXT_PHASE;
  }

  #newMeta(run: Run): Meta {
    const { context, fileEnd } = this.#parts;
    const { frozen, catalog, freeMap } = run;
    const directory = freeMap.directories[0]!;
    // B12 re-injected: two generations on, it is the slot that holds the durable meta.
    const isInPlace = isTestSwitchOn(context.shared, TEST_SWITCH_META_IN_PLACE);
    return {
      ...this.durable.meta,
      metaGeneration: this.durable.meta.metaGeneration + (isInPlace ? 2 : 1),
      sequence: frozen.sequence,
      birthCounter: context.pager.birthMark(),
      catalogPage: catalog.page,
      catalogBirth: catalog.birth,
      catalogCount: catalog.count,
      pageCount: fileEnd.pageCount,
      freeMapPage: directory.page,
      freeMapBirth: directory.birth,
      nextColumnFamilyId: frozen.nextColumnFamilyId,
      walSegmentNumber: oldestNeededSegment(context.shared, frozen.sequence),
    };
  }

  #finish(run: Run): Outcome {
    const { context, retirement, segments } = this.#parts;
    const { shared } = context;
    const { frozen } = run;
    const meta = run.meta!;
    this.durable.meta = meta;
    this.durable.catalog = run.catalog;
    this.durable.freeMap = run.freeMap;
    this.durable.rows = frozen.rows;
    this.#run = undefined;
    retirement.checkpointEnds({ sequence: frozen.sequence, mark: frozen.mark });
    retirement.freedByCheckpoint(run.freed);
    segments.reclaim(this.#reclaimable(meta));
    publishOldRoots(shared, frozen);
    const { statistics, progress, bells } = shared;
    statistics[STAT_CHECKPOINTS]! += 1;
    statistics[STAT_CHECKPOINT_NS]! += (context.nowMs() - run.startedMs) * NS_PER_MS;
    if (COSTLY_CHECKS) checkDurableVersion(context, this.durable, frozen.inUse);
    storeWide(progress, PROGRESS_CHECKPOINTED, frozen.sequence);
    // After CHECKPOINTED: who waits for its request finds the sequence in place.
    Atomics.store(progress, PROGRESS_CHECKPOINT_DONE, frozen.wanted);
    ringBell(bells, THREAD_MAIN, REASON_APPLIED | REASON_REQUEST | REASON_SPACE);
    return NEXT_PHASE;
  }

  #reclaimable(meta: Meta): number {
    const { shared } = this.#parts.context;
    // B4 re-injected: segments go whose records are not in the checkpoint yet.
    if (isTestSwitchOn(shared, TEST_SWITCH_RECYCLE_EARLY)) {
      return Atomics.load(shared.logSpace, LOG_WRITING_SEGMENT);
    }
    return meta.walSegmentNumber;
  }
}

/** Pages that a diff leaves in use (ascending), and all it superseded, its own included. */
function netPages(diff: Diff): { allocated: Int32Array; freed: number[] } {
  const freed: number[] = [];
  for (let i = 0; i < diff.freedCount; i++) freed.push(diff.freed[i * FREED_WORDS]!);
  const gone = new Set(freed);
  const allocated = diff.allocated.slice(0, diff.allocatedCount).filter((page) => !gone.has(page));
  return { allocated: allocated.sort(), freed };
}
