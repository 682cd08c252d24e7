/**
 * `verify`: checks every page of one checkpoint and the log behind it, spread over the side pool,
 * while the database goes on. Damage is reported, not thrown. Main thread.
 *
 * What is checked of the data file: both metas; free map and catalog; every page of every tree
 * against its parent (`storage/verify`); and that the pages reached are exactly those that the free
 * map calls in use, each reached once.
 */
import { META_PAGE_COUNT, PageBitmap, rootClaim, type SubtreeClaim } from '@manifold-db/storage';
import type { Engine } from '../engine.js';
import { openError } from '../recovery/file-errors.js';
import type { VerifyReport } from '../types.js';
import { drain } from './drain.js';
import {
  dataPathOf,
  holdCheckpoint,
  takeCheckpoint,
  type HeldCheckpoint,
  type SideDatabase,
} from './held-checkpoint.js';
import type { SideJob } from './job.js';
import { checkLog } from './log-check.js';
import type { SidePool } from './pool.js';
import { Problems } from './problems.js';

/** Subtrees of more entries than this are shared between threads. */
const ENTRIES_PER_TASK = 65_536;
/** Tasks under way per thread: one runs, the next lies ready. */
const TASKS_PER_THREAD = 2;

export function verifyDatabase(
  engine: Engine,
  database: SideDatabase,
  pool: SidePool,
  signal: AbortSignal | undefined,
): Promise<VerifyReport> {
  return pool.job(signal, async (job) => {
    try {
      return await verifyAs(job, engine, database, pool);
    } catch (error) {
      throw job.isStopped ? error : openError(error, engine.path);
    }
  });
}

async function verifyAs(
  job: SideJob,
  engine: Engine,
  database: SideDatabase,
  pool: SidePool,
): Promise<VerifyReport> {
  const startedMs = engine.host.now();
  const problems = new Problems(dataPathOf(engine));
  await takeCheckpoint(engine, database, job);
  const pages = await checkDataFile(engine, database, pool, job, problems);
  const log = await checkLog(engine, job, problems);
  return {
    ok: problems.list.length === 0,
    sequence: pages?.sequence ?? 0,
    columnFamilyCount: pages?.columnFamilyCount ?? 0,
    pagesChecked: pages?.pagesChecked ?? 0,
    entriesChecked: pages?.entriesChecked ?? 0,
    logSegmentsChecked: log.segments,
    logRecordsChecked: log.records,
    durationMs: engine.host.now() - startedMs,
    problems: problems.list,
  };
}

/** `undefined` when there is no valid meta page to begin with. */
async function checkDataFile(
  engine: Engine,
  database: SideDatabase,
  pool: SidePool,
  job: SideJob,
  problems: Problems,
): Promise<PageTotals | undefined> {
  let held: HeldCheckpoint;
  try {
    held = await holdCheckpoint(engine, database, job, true);
  } catch (error) {
    problems.addError(error);
    return undefined;
  }
  try {
    const check = new DataFileCheck(held, job, problems);
    await check.run(pool.threads * TASKS_PER_THREAD);
    return check.totals();
  } finally {
    held.release();
  }
}

interface PageTotals {
  readonly sequence: number;
  readonly columnFamilyCount: number;
  readonly pagesChecked: number;
  readonly entriesChecked: number;
}

/** A part of a tree, and whose. */
interface Part {
  readonly claim: SubtreeClaim;
  readonly family: string;
}

class DataFileCheck {
  readonly #held: HeldCheckpoint;
  readonly #job: SideJob;
  readonly #problems: Problems;
  readonly #reached = new PageBitmap();
  readonly #inUse: PageBitmap | undefined;
  #entries = 0;
  /** False when damage hides pages, which are then no leaks. */
  #isComplete = true;

  constructor(held: HeldCheckpoint, job: SideJob, problems: Problems) {
    this.#held = held;
    this.#job = job;
    this.#problems = problems;
    const { inUse, inUseCount } = held.contents;
    if (inUse === undefined) return;
    this.#inUse = new PageBitmap();
    this.#inUse.words = inUse;
    this.#inUse.count = inUseCount;
  }

  async run(width: number): Promise<void> {
    const { contents, otherMetaProblem } = this.#held;
    if (otherMetaProblem !== undefined) {
      this.#problems.add(otherMetaProblem.offset, otherMetaProblem.message);
    }
    for (const { offset, message } of contents.problems) this.#problems.add(offset, message);
    this.#isComplete = contents.isComplete;
    for (let page = 0; page < META_PAGE_COUNT; page++) this.#reach(page, undefined);
    for (const page of contents.pages) this.#reach(page, undefined);
    const roots: Part[] = [];
    for (const { name, page, birth, entries } of contents.families) {
      if (page !== 0) roots.push({ claim: rootClaim(page, birth, entries), family: name });
      else if (entries > 0) this.#problems.add(0, `an empty tree of ${entries} entries`, name);
    }
    await drain(width, this.#begin(roots), (part) => this.#check(part));
    if (this.#isComplete) this.#findLeaks();
  }

  totals(): PageTotals {
    const { meta, contents } = this.#held;
    return {
      sequence: meta.sequence,
      columnFamilyCount: contents.families.length,
      pagesChecked: this.#reached.count,
      entriesChecked: this.#entries,
    };
  }

  /** Parts whose first page was not reached before; so no part is ever checked twice. */
  #begin(parts: readonly Part[]): Part[] {
    return parts.filter(({ claim, family }) => this.#reach(claim.page, family));
  }

  /** Returns the parts that are left. */
  async #check({ claim, family }: Part): Promise<readonly Part[]> {
    const { dataPath, meta } = this.#held;
    const input = { dataPath, meta, claim, entriesMax: ENTRIES_PER_TASK };
    const report = await this.#job.run('checkPages', input);
    this.#entries += report.entries;
    this.#isComplete &&= report.isComplete;
    for (const { page, message } of report.problems) this.#problem(page, message, family);
    for (const page of report.pages) this.#reach(page, family);
    return this.#begin(report.parts.map((part) => ({ claim: part, family })));
  }

  /** Whether the page was not reached before. */
  #reach(page: number, family: string | undefined): boolean {
    if (!this.#reached.add(page)) {
      this.#problem(page, `page ${page}: two places refer to it`, family);
      return false;
    }
    if (this.#inUse?.has(page) === false) {
      this.#problem(page, `page ${page}: it is used, and the free map calls it free`, family);
    }
    return true;
  }

  #findLeaks(): void {
    if (this.#inUse === undefined) return;
    for (let page = this.#inUse.next(0); page >= 0; page = this.#inUse.next(page + 1)) {
      if (this.#problems.isFull) return;
      if (this.#reached.has(page)) continue;
      this.#problem(page, `page ${page}: the free map calls it used, nothing refers to it`);
    }
  }

  #problem(page: number, message: string, family?: string): void {
    this.#problems.add(page * this.#held.meta.pageBytes, message, family);
  }
}
