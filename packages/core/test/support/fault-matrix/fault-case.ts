/**
 * One case of the fault matrix: a whole life of a simulated database (creation, commits of several
 * durabilities, checkpoints, recycled log segments, backup, verify, close, reopening, the death of
 * the process) in which one call site fails, and the questions that follow: does every promise
 * settle, is every error typed, do reads go on, do commits work again or are they refused, and does
 * every disk that could be left hold a prefix of the commits with everything acknowledged.
 */
import { SimulatedDisk, WRITE_THROUGH_BYTES_MIN } from '@manifold-db/storage';
import type { ManifoldDatabase } from '@manifold-db/core/internal';
import type { CommitMode, Durability } from '@manifold-db/core';
import { outcomeOf, runSteps, thrownCode, type Outcome } from '../faults.js';
import { readState } from '../history.js';
import {
  READ_ONLY,
  openSimulation,
  randomFrom,
  type Simulation,
  type SimulationEnvironment,
} from '../simulator.js';
import { Admitted, submit, type Change } from './admitted.js';
import { commitCodes, isLocalSpace, openCodes } from './expected.js';
import { SiteVfs, type Fault } from './site-vfs.js';

type Sizes = NonNullable<SimulationEnvironment['sizes']>;

const KIB = 1024;
/**
 * Far below what `open` allows, so that values of a few pages fill log segments: most of what a
 * case takes is memory that openings make ready, and values that are written, read and compared.
 */
const SIZES: Sizes = {
  cacheBytes: 512 * KIB,
  walRingBytes: 64 * KIB,
  walSegmentBytes: 192 * KIB,
  walBytesMax: 8 * 192 * KIB,
  writeBufferBytes: 64 * KIB,
};
/** A look without checkpoints: everything in the log has to fit. */
const LOOK_SIZES: Sizes = { ...SIZES, cacheBytes: 2048 * KIB };
const TRIES_MAX = 40;
/** Beyond the time after which a full disk is tried again. */
const STEPS_PER_TRY = 400;
const LARGE = 11_900;
/** Its pages are written to the file before it is committed. */
const WRITTEN_THROUGH = WRITE_THROUGH_BYTES_MIN + 1000;

/**
 * `create`: a new database, its close and its reopening. `work`: one with a log to replay, whose
 * segment is almost full; the log goes on in the next, the old one is recycled. `side`: backup and
 * verify of that one.
 */
export const SCENARIOS = ['create', 'work', 'side'] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** What a scenario begins with. */
interface Start {
  readonly disk: SimulatedDisk;
  readonly admitted: Admitted;
}

export interface CaseResult {
  readonly problems: readonly string[];
  readonly calls: ReadonlyMap<string, number>;
  readonly hits: number;
  readonly isPoisoned: boolean;
  readonly acknowledged: number;
}

function put(family: string, key: string, bytes: number): Change {
  return { put: [[family, key, `${key}:`.padEnd(bytes, 'x')]] };
}

/** Small commits, also some that clear and drop, that follow from a number. */
function smallChange(i: number): Change {
  if (i % 11 === 7) return { dropped: 'right' };
  const cleared = i % 7 === 5 ? { cleared: { family: 'left', from: `k${i % 4}` } } : {};
  return {
    ...cleared,
    deleted: [['left', `k${(i + 2) % 5}`]],
    put: [
      ['left', `k${i % 5}`, `${i}`.padEnd(300, 'l')],
      ['right', `k${i % 3}`, `${i}`.padEnd(100, 'r')],
    ],
  };
}

class FaultCase {
  readonly problems: string[] = [];
  readonly disk: SimulatedDisk;
  readonly admitted: Admitted;
  readonly #files: SiteVfs;
  readonly #mode: CommitMode;
  readonly #seed: number;
  #simulation: Simulation | undefined;
  #number = 0;
  isPoisoned = false;

  constructor(mode: CommitMode, start: Start, fault: Fault | undefined, seed: number) {
    this.#mode = mode;
    this.#seed = seed;
    this.disk = start.disk.snapshot();
    this.admitted = new Admitted(start.admitted);
    const lose = (path: string): void => this.disk.failSync(path, () => false);
    this.#files = new SiteVfs(this.disk.vfs(), fault, lose);
  }

  async run(scenario: Scenario): Promise<CaseResult> {
    if (scenario === 'create') await this.#create();
    else if (scenario === 'work') await this.#work();
    else await this.#useSidePool();
    await this.#afterwards();
    const { calls, hits } = this.#files;
    const { problems, isPoisoned } = this;
    return { problems, calls, hits, isPoisoned, acknowledged: this.admitted.synced };
  }

  /** What `work` and `side` begin with: the process died with a segment almost full. */
  async fill(): Promise<Start> {
    await this.#open();
    for (let round = 0; round < 4; round++) {
      const changes = [0, 1, 2].map((i) => put('left', `large-${i}`, LARGE + round));
      await this.#commits([...changes, put('right', `large-${round}`, 7_500), smallChange(round)]);
      await this.#checkpoint();
    }
    await this.#commits([2, 3].map(smallChange));
    const disk = this.disk.snapshot();
    // It names this very process, which lives on.
    disk.vfs().remove('/db/LOCK');
    return { disk, admitted: this.admitted };
  }

  // --- the life of the database -----------------------------------------------------------------

  async #create(): Promise<void> {
    if (!(await this.#open())) return;
    await this.#commits([1, 2, 3].map(smallChange));
    await this.#commits([4, 5].map(smallChange), 'async');
    await this.#checkpoint();
    await this.#commits([6, 7, 8].map(smallChange));
    await this.#look('before the close');
    await this.#close();
    if (!(await this.#open())) return;
    await this.#commits([9, 10].map(smallChange));
    await this.#look('at the end');
  }

  async #work(): Promise<void> {
    if (!(await this.#open())) return;
    await this.#commits([4, 5, 6].map(smallChange));
    await this.#commits([put('left', 'large-0', LARGE), smallChange(7)], 'async');
    await this.#checkpoint();
    // The next one runs beside the commits.
    const checkpoint = this.#checkpoint();
    await this.#commits([put('right', 'written-through', WRITTEN_THROUGH)], 'none');
    await this.#commits([8, 9].map(smallChange));
    await checkpoint;
    await this.#commits([put('left', 'large-1', LARGE), smallChange(10)]);
    await this.#settle('waitForSync', (db) => db.waitForSync(), commitCodes);
    await this.#checkpoint();
    await this.#commits([smallChange(11)]);
    await this.#look('at the end');
    await this.#close();
  }

  async #useSidePool(): Promise<void> {
    if (!(await this.#open())) return;
    await this.#commits([smallChange(4)]);
    const copied = await this.#settle('backup', (db) => db.backup('/copy'), openCodes);
    if (copied?.value !== undefined) await this.#checkCopy(copied.value.sequence);
    const report = await this.#settle('verify', (db) => db.verify(), openCodes);
    const isHurt = this.#files.hits > 0;
    if (report?.value?.ok === false && !isHurt) {
      this.#problem(`verify: ${report.value.problems[0]!.message}`);
    }
    await this.#commits([smallChange(5)]);
    await this.#look('at the end');
  }

  async #checkpoint(): Promise<void> {
    await this.#settle('checkpoint', (db) => db.checkpoint(), commitCodes);
  }

  async #checkCopy(sequence: number): Promise<void> {
    const environment = { path: '/copy', sizes: LOOK_SIZES };
    const { database } = await openSimulation(this.disk, this.#seed, READ_ONLY, environment);
    const problem = this.admitted.problemOf(sequence, readState(database), 0);
    if (problem !== undefined) this.#problem(`backup: ${problem}`);
  }

  /** Calls all of them, then waits for all outcomes. */
  async #commits(
    changes: readonly Change[],
    durability: Durability = 'immediate',
  ): Promise<Outcome<unknown>[]> {
    const { database, host } = this.#simulation!;
    const first = this.#number;
    this.#number += changes.length;
    const calls = changes.map((change) => outcomeOf(submit(database, change, durability)));
    // A step here and there, so that the commits do not all fall into one group.
    for (let i = 0; i < first % 5; i++) host.stepOne();
    const outcomes = await this.#untilSettled(Promise.all(calls), 'commits');
    for (const [i, outcome] of (outcomes ?? []).entries()) {
      this.#checkCode(`commit ${first + i}`, outcome, commitCodes);
      const problem = this.admitted.add(changes[i]!, durability, outcome);
      if (problem !== undefined) this.#problem(problem);
    }
    return outcomes ?? [];
  }

  async #open(): Promise<boolean> {
    const { vfs, open } = this.#files;
    const environment = { vfs, withLock: true, sizes: SIZES };
    const mode = this.#mode;
    const opening = outcomeOf(openSimulation(this.disk, this.#seed, { mode }, environment));
    const outcome = await opening;
    this.#checkCode('open', outcome, openCodes);
    this.#simulation = outcome.value;
    if (outcome.value === undefined) {
      if (open.length > 0) this.#problem(`a failed open leaves files open: ${open.join()}`);
      return false;
    }
    const { database } = outcome.value;
    this.#readCold(database);
    const { admitted } = this;
    const problem = this.#files.unharmed(() => admitted.goOn(database, admitted.written));
    if (problem !== undefined) this.#problem(`opened: ${problem}`);
    return true;
  }

  /** A page that cannot be read fails the one read, whatever else. */
  #readCold(database: ManifoldDatabase): void {
    for (const name of ['left', 'right']) {
      const family = database.columnFamily(name);
      for (const key of ['k0', 'k2', 'large-1']) {
        const code = thrownCode(() => family.get(key));
        const isHit = code === 'ERR_MANIFOLD_IO' && this.#files.hits > 0;
        if (code !== 'nothing' && !isHit) this.#problem(`get: ${code}`);
      }
    }
    if (database.stats().failure !== undefined) this.#problem('a failed read poisons');
  }

  async #close(): Promise<void> {
    const { database } = this.#simulation!;
    const hasFailed = database.stats().failure !== undefined;
    const outcome = await this.#settle('close', (db) => db.close(), openCodes);
    if (hasFailed && outcome?.code !== 'ERR_MANIFOLD_POISONED') {
      this.#problem(`close of a poisoned database: ${outcome?.code ?? 'no error'}`);
    }
    this.#simulation = undefined;
    const { open } = this.#files;
    if (open.length > 0) this.#problem(`closed, but ${open.join()} is still open`);
  }

  // --- what must hold ---------------------------------------------------------------------------

  /** A poisoned database refuses writes, and any lets everything that it has be read. */
  async #look(place: string): Promise<void> {
    const { database } = this.#simulation!;
    if (database.stats().failure === undefined) {
      const read = () => this.admitted.problemOf(database.lastCommitted, readState(database), 0);
      // What a read that fails says is looked at where pages are cold.
      const problem = this.#files.unharmed(read);
      if (problem !== undefined) this.#problem(`${place}: reads: ${problem}`);
      return;
    }
    this.isPoisoned = true;
    const { fault } = this.#files;
    if (isLocalSpace(fault!)) this.#problem(`${fault!.kind} at ${fault!.site} poisons`);
    for (const outcome of await this.#commits([smallChange(80)])) {
      if (outcome.code !== 'ERR_MANIFOLD_POISONED') {
        this.#problem(`${place}: a write to a poisoned database: ${outcome.code ?? 'taken'}`);
      }
    }
    this.#files.isActive = false;
    try {
      const { lastSynced } = database;
      const problem = this.admitted.problemOf(lastSynced, readState(database), 0);
      if (problem !== undefined) this.#problem(`${place}: reads after the failure: ${problem}`);
      if (lastSynced < this.admitted.synced) this.#problem('acknowledged beyond lastSynced');
    } catch (error) {
      this.#problem(`${place}: reads after the failure throw ${String(error)}`);
    }
  }

  /** The fault is over: every disk that can be left, and the database that still runs. */
  async #afterwards(): Promise<void> {
    this.#files.isActive = false;
    const { synced, written } = this.admitted;
    const random = randomFrom(this.#seed ^ this.#files.hits ^ this.#number);
    if (this.disk.pendingWrites().length > 0) {
      await this.#checkDisk('after power loss', this.disk.crash({ keep: 'none' }), synced);
      await this.#checkDisk('after a random loss', this.disk.crash({ random }), synced);
    }
    await this.#checkDisk('after a kill', this.disk.snapshot(), written);
    if (this.#simulation !== undefined) {
      const isPoisoned = this.#simulation.database.stats().failure !== undefined;
      if (!isPoisoned) await this.#commitsAgain();
      await this.#close();
    }
    await this.#checkReopened();
  }

  /** A full disk has room again. */
  async #commitsAgain(): Promise<void> {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const [outcome] = await this.#commits([put('left', 'again', 12_500)]);
      if (outcome?.error === undefined) return;
      await runSteps(this.#simulation!.host, STEPS_PER_TRY);
    }
    this.#problem('commits do not work again');
  }

  async #checkDisk(place: string, disk: SimulatedDisk, acknowledged: number): Promise<void> {
    if (!disk.vfs().exists('/db/data.manifold')) {
      if (acknowledged > 0) this.#problem(`${place}: the database is gone`);
      return;
    }
    try {
      const { database } = await openSimulation(disk, this.#seed, READ_ONLY, {
        sizes: LOOK_SIZES,
      });
      const problem = this.admitted.problem(database, acknowledged);
      if (problem !== undefined) this.#problem(`${place}: ${problem}`);
    } catch (error) {
      this.#problem(`${place}: does not open: ${String(error)}`);
    }
  }

  /**
   * Opens for writing what the database left, writes, verifies every page; then the power fails.
   * What a failed sync has left in memory only must not have been built upon.
   */
  async #checkReopened(): Promise<void> {
    try {
      const mode = this.#mode;
      const environment = { sizes: SIZES };
      const { database, host } = await openSimulation(this.disk, this.#seed, { mode }, environment);
      const problem = this.admitted.problem(database, this.admitted.written);
      if (problem !== undefined) this.#problem(`reopened: ${problem}`);
      await host.run(database.put('reopened', 'value'));
      const expected = readState(database);
      const report = await host.run(database.verify());
      if (!report.ok) this.#problem(`reopened: verify: ${report.problems[0]!.message}`);
      await this.#checkContent('reopened, power loss', expected);
      await host.run(database.close());
      await this.#checkContent('reopened, closed, power loss', expected);
    } catch (error) {
      this.#problem(`reopened: ${String(error)}`);
    }
  }

  async #checkContent(place: string, expected: readonly string[]): Promise<void> {
    const disk = this.disk.crash({ keep: 'none' });
    const { database } = await openSimulation(disk, this.#seed, READ_ONLY, { sizes: LOOK_SIZES });
    if (readState(database).join() !== expected.join()) this.#problem(`${place}: another content`);
  }

  async #settle<T>(
    what: string,
    call: (db: ManifoldDatabase) => Promise<T>,
    codes: (fault: Fault) => ReadonlySet<string>,
  ): Promise<Outcome<T> | undefined> {
    const { database } = this.#simulation!;
    const made = Promise.resolve().then(() => call(database));
    const outcome = await this.#untilSettled(outcomeOf(made), what);
    if (outcome !== undefined) this.#checkCode(what, outcome, codes);
    return outcome;
  }

  /** A call may wait for room as long as the disk stays full, and not a step longer. */
  async #untilSettled<T>(promise: Promise<T>, what: string): Promise<T | undefined> {
    for (;;) {
      try {
        return await this.#simulation!.host.run(promise);
      } catch (error) {
        const { fault } = this.#files;
        const mayWait = fault !== undefined && fault.isSticky && isLocalSpace(fault);
        if (!mayWait || !this.#files.isActive) {
          this.#problem(`${what}: ${String(error)}`);
          return undefined;
        }
        this.#files.isActive = false;
      }
    }
  }

  #checkCode(
    what: string,
    outcome: Outcome<unknown>,
    codes: (fault: Fault) => ReadonlySet<string>,
  ): void {
    if (outcome.error === undefined) return;
    const { fault, hits } = this.#files;
    const isExpected = hits > 0 && codes(fault!).has(outcome.code!);
    if (outcome.error.name === 'ManifoldError' && isExpected) return;
    this.#problem(`${what}: ${outcome.code} ${outcome.error.stack ?? outcome.error.message}`);
  }

  #problem(text: string): void {
    this.problems.push(text);
  }
}

const filled = new Map<CommitMode, Promise<Start>>();

function startOf(mode: CommitMode, scenario: Scenario, seed: number): Promise<Start> | Start {
  const empty = { disk: new SimulatedDisk(), admitted: new Admitted() };
  if (scenario === 'create') return empty;
  const known = filled.get(mode) ?? new FaultCase(mode, empty, undefined, seed).fill();
  filled.set(mode, known);
  return known;
}

/** Without a fault: what calls there are. */
export async function runFaultCase(
  mode: CommitMode,
  scenario: Scenario,
  fault: Fault | undefined,
  seed: number,
): Promise<CaseResult> {
  const start = await startOf(mode, scenario, seed);
  return new FaultCase(mode, start, fault, seed).run(scenario);
}
