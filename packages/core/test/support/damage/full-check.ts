/**
 * Opens damaged files with the whole engine, reads everything, runs `verify`; a share of them is
 * opened for writing as well: a refusal leaves every byte as it is, an answer takes another commit,
 * and gives the same answer when it is opened again.
 */
import { ManifoldError, SimulatedDisk } from '@manifold-db/storage';
import type { OpenOptions } from '@manifold-db/core';
import { fingerprint, pathOf } from '../files.js';
import { readState, stateLine, type ModelState } from '../history.js';
import { READ_ONLY, SIMULATED_PATH, openSimulation } from '../simulator.js';
import { withAllocationMeter } from './allocation-meter.js';
import type { Expectation } from './expectation.js';
import { MemoryFiles, type Files } from './memory-files.js';
import { withoutNewestMeta, type SmallDatabase } from './small-databases.js';

const READS_MAX = 20_000;
/** Memory that damage may add to what opening and reading the whole files takes. */
const MEMORY_FACTOR_MAX = 4;
const SEED = 1;
const SMALL_CACHE: OpenOptions = { cacheBytes: 1024 * 1024 };
const MORE_KEY = 'more';
const MORE_VALUE = 'value';

export interface Outcome {
  /** `undefined` when it was refused. */
  readonly sequence: number | undefined;
  readonly code: string | undefined;
  /** `undefined` when it could not be asked. */
  readonly isVerified: boolean | undefined;
  readonly bytes: number;
  readonly problems: readonly string[];
}

/** What an outcome is held against. */
export function answerProblem(
  { states, lastSequence }: SmallDatabase,
  { floor }: Expectation,
  sequence: number,
): string | undefined {
  if (sequence < floor) return `commit ${floor} is lost, ${sequence} is the last`;
  if (sequence > lastSequence || states[sequence] === undefined) {
    return `there is no commit ${sequence}`;
  }
  return undefined;
}

export function refusalProblem(expected: Expectation, code: string): string | undefined {
  if (expected.mustAnswer) return `refused with ${code}, and what was hit is not needed`;
  if (code === 'ERR_MANIFOLD_CORRUPT') return undefined;
  if (code === 'ERR_MANIFOLD_FORMAT' && expected.mayBeOtherFormat) return undefined;
  return `refused with ${code}`;
}

export class FullCheck {
  readonly #database: SmallDatabase;
  #bytesWhole = 0;

  private constructor(database: SmallDatabase) {
    this.#database = database;
  }

  /**
   * Learns what memory the undamaged files take: with the newest checkpoint, and with the one
   * before it, which leads to more of the log and so to the buffers of a replay.
   */
  static async make(database: SmallDatabase): Promise<FullCheck> {
    const check = new FullCheck(database);
    check.#bytesWhole = Infinity;
    const nothing = { floor: database.lastSequence, mustAnswer: true, mayBeOtherFormat: false };
    const { problems, bytes, isVerified } = await check.read(database.files, nothing);
    const verified = `verified: ${isVerified}`;
    if (problems.length > 0 || isVerified !== true) {
      throw new Error(`${database.name}, whole: ${[verified, ...problems].join('; ')}`);
    }
    const older = await check.read(withoutNewestMeta(database), nothing);
    check.#bytesWhole = Math.max(bytes, older.bytes);
    return check;
  }

  async read(files: Files, expected: Expectation): Promise<Outcome> {
    const { name } = this.#database;
    const memory = new MemoryFiles(files, READS_MAX);
    const { value, bytes } = await withAllocationMeter(() => this.#readAll(memory, expected));
    const problems = [...value.problems];
    if (memory.openCount > 0) problems.push(`${memory.openCount} files are left open`);
    const fileBytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    const bytesMax = this.#bytesWhole + MEMORY_FACTOR_MAX * fileBytes;
    if (bytes > bytesMax) problems.push(`${bytes} bytes of memory for ${name}, max ${bytesMax}`);
    return { ...value, bytes, problems };
  }

  async #readAll(memory: MemoryFiles, expected: Expectation): Promise<Omit<Outcome, 'bytes'>> {
    const problems: string[] = [];
    const options = { ...READ_ONLY, ...SMALL_CACHE };
    let isVerified: boolean | undefined;
    let close = (): Promise<void> => Promise.resolve();
    try {
      const disk = new SimulatedDisk();
      const { database, host } = await openSimulation(disk, SEED, options, { vfs: memory.vfs });
      close = () => host.run(database.close());
      // Before the reading: damage is found on the disk, not in what a cache holds.
      isVerified = (await host.run(database.verify())).ok;
      const sequence = database.lastCommitted;
      const problem =
        answerProblem(this.#database, expected, sequence) ??
        stateProblem(readState(database), this.#database.states[sequence]!);
      if (problem !== undefined) problems.push(problem);
      return { sequence, code: undefined, isVerified, problems };
    } catch (error) {
      if (!(error instanceof ManifoldError)) {
        const text = error instanceof Error ? error.stack : String(error);
        return { sequence: undefined, code: undefined, isVerified, problems: [`untyped: ${text}`] };
      }
      const problem = refusalProblem(expected, error.code);
      if (problem !== undefined) problems.push(`${problem}: ${error.message}`);
      return { sequence: undefined, code: error.code, isVerified, problems };
    } finally {
      await close();
    }
  }

  /** Opens for writing; `sequence` is what reading them came to. */
  async write(files: Files, sequence: number | undefined): Promise<readonly string[]> {
    const disk = diskOf(files);
    const before = fingerprint(disk);
    let found: number | undefined;
    try {
      const { database, host } = await openSimulation(disk, SEED, SMALL_CACHE);
      found = database.lastCommitted;
      try {
        await host.run(database.put(MORE_KEY, MORE_VALUE));
      } finally {
        await host.run(database.close()).catch(() => {});
      }
    } catch (error) {
      if (!(error instanceof ManifoldError)) return [`untyped, for writing: ${String(error)}`];
      if (sequence !== undefined) return [`opens for reading only: ${error.message}`];
      const isChanged = found === undefined && before.join() !== fingerprint(disk).join();
      return isChanged ? [`refused, and the files have changed: ${error.message}`] : [];
    }
    // Damage in a page that opening and this commit do not read is met by whoever reads it.
    if (sequence === undefined) return [];
    if (found !== sequence) return [`commit ${found} is the last, for reading it was ${sequence}`];
    return this.#again(disk, sequence);
  }

  async #again(disk: SimulatedDisk, sequence: number): Promise<readonly string[]> {
    const { database, host } = await openSimulation(disk, SEED, { ...READ_ONLY, ...SMALL_CACHE });
    const more = stateLine('default', MORE_KEY, MORE_VALUE);
    const expected = [...this.#database.states[sequence]!, more].sort();
    const problem =
      database.lastCommitted === sequence + 1
        ? stateProblem(readState(database), expected)
        : `commit ${database.lastCommitted} is the last after another one`;
    await host.run(database.close());
    return problem === undefined ? [] : [`opened again: ${problem}`];
  }
}

function stateProblem(found: ModelState, expected: ModelState): string | undefined {
  const at = expected.findIndex((line, i) => line !== found[i]);
  if (at < 0 && found.length === expected.length) return undefined;
  return `wrong answer: ${found[Math.max(at, 0)] ?? 'an entry too few'} is not in that state`;
}

function diskOf(files: Files): SimulatedDisk {
  const disk = new SimulatedDisk();
  const vfs = disk.vfs();
  vfs.makeDirectory(SIMULATED_PATH);
  for (const [name, bytes] of files) {
    const file = vfs.open(pathOf(name), 'create');
    file.write([bytes], 0);
    file.sync();
    file.close();
  }
  vfs.syncDirectory(SIMULATED_PATH);
  return disk;
}
