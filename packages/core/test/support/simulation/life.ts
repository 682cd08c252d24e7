/**
 * One life of a simulated database, from its opening to its close or crash, and the comparison of
 * what the next opening finds: everything acknowledged, and a prefix of the commits in their order.
 */
import { openWith, type ManifoldDatabase, type OpenEnvironment } from '@manifold-db/core/internal';
import type { OpenOptions } from '@manifold-db/core';
import {
  DATA_FILE_NAME,
  ManifoldError,
  type SimulatedDisk,
  createFaultVfs,
  type Vfs,
} from '@manifold-db/storage';
import { SharedPool } from '../shared-pool.js';
import { call, checkpoint, goOnWithOne } from './calls.js';
import { Ledger, type Submission } from './ledger.js';
import { FAMILIES } from './model.js';
import { drawLife, type LifePlan } from './plan.js';
import { difference } from './readers.js';
import { Actor, HangError, ScheduledHost } from './scheduled-host.js';
import { CrashError, World, codeOf, count, type Course } from './world.js';

const PATH = '/db';
/** Of one run after the other. */
const memory = new SharedPool();
/** Every promise that can go on has gone on after so many turns of the microtask queue. */
const MICROTASK_TURNS = 20;
/** Of the writes that a failed sync was to make durable. */
const SURVIVING_SHARE = 0.3;
/** A crash that waits for a file operation that does not come happens after so many steps. */
const STEPS_TO_CRASH_MAX = 200;

/** Read-only recovery replays a whole log in memory. */
const READ_CACHE_BYTES = 4 * 1024 * 1024;
const STEPS_AFTER_FAILURE_MAX = 60;

/** What the next opening must find. */
export interface Inheritance {
  readonly disk: SimulatedDisk;
  /** At least this commit, and at most the last one of the model. */
  readonly least: number;
  /** It may be there as the very next one. */
  readonly doubtful: Submission | undefined;
}

/** What was so when the disk went. */
interface Crash {
  readonly disk: SimulatedDisk;
  readonly least: number;
  readonly lastCommitted: number;
}

interface Running {
  readonly host: ScheduledHost;
  readonly disk: SimulatedDisk;
  /** Of all threads: the disk's, or a failing one around it. */
  readonly vfs: Vfs;
  readonly gate: Int32Array;
}

function drain(): Promise<void> {
  return drainTurns(MICROTASK_TURNS);
}

async function drainTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await undefined;
}

function prepare(course: Course, plan: LifePlan, disk: SimulatedDisk, bugs: number): Running {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const { fault } = plan;
  const rules =
    fault === undefined ? [] : [{ ...fault.rule, gate: gate.buffer as SharedArrayBuffer }];
  const base = disk.vfs();
  const { random, hash } = course;
  const lose = (path: string): void => disk.failSync(path, () => random() < SURVIVING_SHARE);
  const vfs: Vfs = rules.length === 0 ? base : createFaultVfs(base, rules, lose);
  disk.onOperation = (_index, description) => hash.text(description);
  const host = new ScheduledHost({ vfs, random, hash, pace: plan.pace, bugs });
  return { host, disk, vfs, gate };
}

/** Steps everything but the program until the promise is settled. */
async function settle<T>(host: ScheduledHost, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const mark = (): void => {
    isSettled = true;
  };
  promise.then(mark, mark);
  for (;;) {
    await drain();
    if (isSettled) return promise;
    const actor = host.pick(false);
    if (actor === Actor.NOBODY) throw new HangError('nobody moves any more');
    host.run(actor);
  }
}

function open(
  sizes: LifePlan['sizes'],
  { host, vfs }: Running,
  options: OpenOptions = {},
): Promise<ManifoldDatabase> {
  const { allocate } = memory;
  const environment: OpenEnvironment = { vfs, host, withoutLock: true, sizes, allocate };
  return settle(host, openWith(PATH, options, environment));
}

export class Life {
  readonly #course: Course;
  readonly #plan: LifePlan;
  readonly #running: Running;
  readonly #world: World;
  readonly #ledger: Ledger;
  #crash: Crash | undefined;

  private constructor(
    course: Course,
    plan: LifePlan,
    running: Running,
    database: ManifoldDatabase,
  ) {
    this.#course = course;
    this.#plan = plan;
    this.#running = running;
    this.#ledger = new Ledger(course.model);
    this.#world = new World(database, running.host.shared!, course, plan, this.#ledger);
  }

  /** Opens, compares with what the life before has left, runs, and ends. */
  static async run(
    course: Course,
    plan: LifePlan,
    inherited: Inheritance,
    bugs = 0,
  ): Promise<Inheritance> {
    const running = prepare(course, plan, inherited.disk, bugs);
    try {
      const database = await open(plan.sizes, running);
      compareRecovered(course, database, inherited);
      return await new Life(course, plan, running, database).#run();
    } finally {
      running.host.retire();
      running.disk.onOperation = undefined;
      memory.giveBack();
    }
  }

  async #run(): Promise<Inheritance> {
    const { model } = this.#course;
    const before = model.last;
    count(this.#course, 'lives');
    try {
      const left = await this.#live();
      count(this.#course, 'commits', model.last - before);
      return left;
    } finally {
      count(this.#course, 'steps', this.#running.host.steps);
      // Those of a database that crashed, too: nobody refers to its memory after the run.
      for (const reader of this.#world.readers.splice(0)) reader.close();
    }
  }

  async #live(): Promise<Inheritance> {
    try {
      await this.#runProgram();
      this.#countWork();
      if (this.#plan.ending === 'close') return await this.#close();
      await this.#runToCrash();
      return await this.#leave(this.#crashNow());
    } catch (error) {
      if (this.#crash !== undefined) return await this.#leave(this.#crash);
      if (error instanceof HangError) throw new HangError(`${error.message}; ${this.#waiting()}`);
      throw error;
    }
  }

  /** What came together in this life, for the figures. */
  #countWork(): void {
    const { log, checkpoints, writeBuffer, stalls, recovery } = this.#world.database.stats();
    const { AppendWal, WaitForSync, ApplyChanges } = stalls.waits;
    const work = {
      syncs: log.syncs,
      'segments recycled': log.segmentsRecycled,
      checkpoints: checkpoints.count,
      'generations merged': writeBuffer?.merged ?? 0,
      'waits for the log': AppendWal,
      'waits for the ring': WaitForSync,
      'waits for apply': ApplyChanges,
      'blocked calls': stalls.blockedCalls,
      'commits replayed': recovery.commitsReplayed,
    };
    for (const [name, value] of Object.entries(work)) count(this.#course, name, value);
  }

  /** One scheduled step; false when nobody can run. */
  async #step(mayCall: boolean): Promise<boolean> {
    const { host } = this.#running;
    const world = this.#world;
    const actor = host.pick(mayCall);
    if (actor === Actor.NOBODY) return false;
    if (actor === Actor.CALL) call(world);
    else host.run(actor);
    // Worker threads keep no promise, but the last of them to stop.
    if (actor >= Actor.WAKE || host.hasStopped) await this.#review();
    return true;
  }

  async #review(): Promise<void> {
    await drain();
    if (this.#crash !== undefined) throw new CrashError();
    this.#world.review();
  }

  async #runProgram(): Promise<void> {
    const { host } = this.#running;
    const { steps, inFlightMax } = this.#plan;
    const world = this.#world;
    let end = steps;
    while (host.steps < end && this.#course.problems.length === 0) {
      // What a failed database does is soon seen.
      if (world.hasFailed) end = Math.min(end, host.steps + STEPS_AFTER_FAILURE_MAX);
      this.#turnFault();
      if (!(await this.#step(world.pending.size < inFlightMax)) && !(await this.#goOn())) break;
    }
  }

  /** The program lets a transaction go on. */
  async #goOn(): Promise<boolean> {
    if (!goOnWithOne(this.#world)) return false;
    await this.#review();
    return true;
  }

  #turnFault(): void {
    const { fault } = this.#plan;
    if (fault === undefined) return;
    const { host, gate } = this.#running;
    const isOn = host.steps >= fault.fromStep && host.steps < fault.untilStep;
    if (isOn) this.#world.hasFault = true;
    gate[0] = isOn ? 1 : 0;
  }

  /** Nobody calls anything more, and a disk that is full for a while gets room. */
  async #finish(): Promise<void> {
    const world = this.#world;
    const { fault } = this.#plan;
    if (fault !== undefined && fault.untilStep !== Infinity) this.#running.gate[0] = 0;
    while (world.pending.size > 0 && this.#course.problems.length === 0) {
      if (await this.#goOn()) continue;
      if (!(await this.#step(false))) throw new HangError('nobody moves any more');
    }
  }

  #waiting(): string {
    const { pending } = this.#world;
    const calls = [...new Set(pending.values())].join(', ');
    return `${pending.size} calls wait: ${calls}; ${this.#running.host.describe()}`;
  }

  async #close(): Promise<Inheritance> {
    const { disk } = this.#running;
    const world = this.#world;
    const { database, course } = world;
    await this.#finish();
    for (const reader of world.readers.splice(0)) {
      reader.look();
      reader.close();
    }
    const isFailed = world.hasFailed;
    world.isClosing = true;
    const last = database.lastCommitted;
    let isClosed = false;
    world.follow(
      'close',
      () => database.close(),
      () => (isClosed = true),
    );
    await this.#review();
    while (world.pending.size > 0 && course.problems.length === 0) {
      if (!(await this.#step(false))) throw new HangError('close hangs');
    }
    if (!isClosed && !world.hasFault) world.problem('close has failed');
    if (isFailed && isClosed) world.problem('close does not tell that the database has failed');
    count(course, isClosed ? 'closed' : 'closed after a failure');
    const least = isClosed ? last : world.acknowledged;
    const { doubtful } = this.#ledger;
    // The process has ended, the system goes on: with what a failed sync has left in memory.
    if (world.chance(0.4)) return { disk: disk.snapshot(), least, doubtful };
    const crash =
      isClosed || world.chance(0.5) ? ({ keep: 'none' } as const) : { random: course.random };
    return { disk: disk.crash(crash), least, doubtful };
  }

  /** The crash comes at a file operation, in the middle of a step. */
  async #runToCrash(): Promise<void> {
    const { host, disk } = this.#running;
    const { crashesInCheckpoint } = this.#plan;
    let left = this.#plan.operationsToCrash;
    if (crashesInCheckpoint) {
      checkpoint(this.#world);
      await this.#review();
    }
    disk.onOperation = (_index, description) => {
      if (this.#crash !== undefined) throw new CrashError();
      const counts = !crashesInCheckpoint || description.includes(DATA_FILE_NAME);
      if (!counts || left-- > 0) {
        this.#course.hash.text(description);
        return;
      }
      this.#crash = this.#crashNow();
      throw new CrashError();
    };
    const end = host.steps + STEPS_TO_CRASH_MAX;
    while (host.steps < end) {
      if (!(await this.#step(true)) || this.#crash !== undefined) break;
    }
  }

  #crashNow(): Crash {
    if (this.#crash !== undefined) return this.#crash;
    const { course, database, acknowledged, written } = this.#world;
    const { lastCommitted } = database;
    const { disk } = this.#running;
    count(course, this.#plan.ending === 'kill' ? 'killed' : 'power cut');
    this.#world.hasCrashed = true;
    const synced = Math.max(acknowledged, database.lastSynced);
    if (this.#plan.ending === 'kill') {
      const least = Math.max(synced, written);
      return { disk: disk.snapshot(), least, lastCommitted };
    }
    const isAllLost = course.random() < 0.3;
    const left = disk.crash(isAllLost ? { keep: 'none' } : { random: course.random });
    return { disk: left, least: synced, lastCommitted };
  }

  /**
   * Within the step of the crash commits may have got sequences that nobody has seen, and others
   * may have been refused: the promises tell, which run only now.
   */
  async #leave({ disk, least, lastCommitted }: Crash): Promise<Inheritance> {
    await drain();
    this.#world.review(lastCommitted);
    return { disk, least, doubtful: this.#ledger.doubtful };
  }
}

/** Recovered is a prefix of the commits with everything acknowledged in it. */
function compareRecovered(
  course: Course,
  database: ManifoldDatabase,
  { least, doubtful }: Inheritance,
): void {
  const { model, problems } = course;
  const { lastCommitted } = database;
  course.hash.number(lastCommitted);
  if (doubtful !== undefined && lastCommitted === model.last + 1) model.commit(doubtful.operations);
  if (lastCommitted < least) {
    problems.push(`commit ${least} is lost, ${lastCommitted} is the last one recovered`);
  }
  if (lastCommitted > model.last) {
    problems.push(`recovered ${lastCommitted}, there were ${model.last} commits`);
  }
  model.forgetAfter(lastCommitted);
  for (const family of FAMILIES) {
    const found = [...database.columnFamily(family).entries()];
    const wrong = difference(found, model.entries(family, lastCommitted));
    if (wrong !== undefined) problems.push(`recovered ${lastCommitted}, ${family}: ${wrong}`);
  }
}

/** For looking only, at the end of a run. */
export async function compareAtEnd(course: Course, inherited: Inheritance): Promise<void> {
  const plan: LifePlan = { ...drawLife(course.random, 0), fault: undefined };
  const running = prepare(course, plan, inherited.disk, 0);
  const { host } = running;
  const options: OpenOptions = { readOnly: true, createIfMissing: false };
  const sizes = { ...plan.sizes, cacheBytes: READ_CACHE_BYTES };
  try {
    const database = await open(sizes, running, options);
    compareRecovered(course, database, inherited);
    await settle(host, database.close());
  } finally {
    host.retire();
    memory.giveBack();
  }
}

/** What a run that could not go on ended with. */
export function describe(error: unknown): string {
  if (error instanceof HangError) return `hangs: ${error.message}`;
  if (error instanceof ManifoldError) return codeOf(error) + ': ' + error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
