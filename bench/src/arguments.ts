/** The command line: `bench <suite> [options]`. */
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const SUITES = [
  'ladder',
  'seed',
  'commits',
  'load',
  'read',
  'scan',
  'mixed',
  'large',
  'recovery',
  'open',
  'memory',
  'micro',
  'timeline',
  'report',
] as const;
export type SuiteName = (typeof SUITES)[number];

/** The commit modes, from the lowest rung of the ladder to the highest. */
export const MODES = ['sequential', 'async-wal', 'pipelined', 'buffered'] as const;
export type Mode = (typeof MODES)[number];
/** The mode that is measured beside the peers unless `--mode` says otherwise. */
export const MODE_DEFAULT: Mode = 'buffered';

export const ENGINES = ['manifold', 'lmdb', 'classic-level', 'rocksdb', 'better-sqlite3'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface Settings {
  readonly suite: SuiteName;
  readonly json: boolean;
  /** Short runs that show that everything works; the figures mean little. */
  readonly quick: boolean;
  readonly rounds: number | undefined;
  /** Entries, or batches per family (ladder, seed). */
  readonly count: number | undefined;
  /** commits: how long commits are made at each depth. */
  readonly durationMs: number | undefined;
  readonly batchOps: readonly number[] | undefined;
  readonly addedSyncLatencyUs: readonly number[] | undefined;
  readonly modes: readonly Mode[] | undefined;
  readonly engines: readonly EngineName[] | undefined;
  /** Only what has all of these words in its name is measured. */
  readonly only: readonly string[] | undefined;
  /** Where fresh databases are made. */
  readonly directory: string;
  /** Further options of `open`, for finding out what holds an engine up; reported with the rows. */
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly profileDirectory: string | undefined;
  /** report: files with what suites printed with --json; without any, the suites are run. */
  readonly inputs: readonly string[] | undefined;
  /** report: the page that is written. */
  readonly output: string | undefined;
}

export const USAGE = `usage: npm run -s bench -- <suite> [options]

suites
  ladder     durable batches in every mode, beside lmdb-js
  seed       the same batches with every engine: as a burst, and sustained until applied
  commits    one put per commit, 1 to 4096 under way, beside a bare write and fdatasync
  load       random keys in batches, until applied and checkpointed
  read       point reads, with the write buffer empty and half full
  scan       full, in reverse, and in ranges of 100
  mixed      YCSB A to F
  large      ten million random entries: memory for all of it, and for a tenth (takes long)
  recovery   opening after the process was killed
  open       opening after a close, with the files in the system's cache and without
  memory     a database ten times larger than its cache
  micro      single parts of the engine
  timeline   which thread worked on which stage, for some commits of every mode
  report     one HTML page with all of it

options
  --json              one JSON object on stdout
  --quick             a short run, to see that it works
  --rounds <n>        how often everything is measured
  --count <n>         entries; or batches per family (ladder, seed)
  --batch <n,...>     operations per commit              (ladder: default 1000,100,10,1)
  --added <us,...>    ladder: time added to log syncs    (default 0,500,4000)
  --duration <ms>     commits: how long at each depth    (default 2000)
  --mode <name,...>   ${MODES.join(', ')}
                      (default: all in ladder, elsewhere ${MODE_DEFAULT}, in seed also pipelined)
  --engine <name,...> ${ENGINES.join(', ')}
  --only <word,...>   only runs that have all of these words in their names, as shown meanwhile
  --dir <path>        where databases are made           (default: the system's folder for this)
  --open <json>       further options of open, such as {"cacheBytes":268435456}
  --input <file,...>  report: what suites printed with --json (default: runs them)
  --output <file>     report: the page                    (default: in the system's folder)
  --profile <path>    write CPU profiles of every run into this folder
`;

/** A bad argument; the message is for the user. */
export class UsageError extends Error {}

function wholeNumber(text: string, option: string, minimum: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < minimum) {
    throw new UsageError(`--${option} takes whole numbers of at least ${minimum}, not '${text}'`);
  }
  return value;
}

function numbers(text: string | undefined, option: string, minimum: number): number[] | undefined {
  return text?.split(',').map((part) => wholeNumber(part, option, minimum));
}

function oneOf<T extends string>(text: string, allowed: readonly T[], what: string): T {
  const found = allowed.find((name) => name === text);
  if (found === undefined) {
    throw new UsageError(`${what} is one of ${allowed.join(', ')}, not '${text}'`);
  }
  return found;
}

function names<T extends string>(
  text: string | undefined,
  allowed: readonly T[],
  option: string,
): T[] | undefined {
  return text?.split(',').map((part) => oneOf(part, allowed, `--${option}`));
}

function objectOf(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Said below, as for any other value.
  }
  throw new UsageError(`--open takes a JSON object, not '${text}'`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        rounds: { type: 'string' },
        count: { type: 'string' },
        duration: { type: 'string' },
        batch: { type: 'string' },
        added: { type: 'string' },
        mode: { type: 'string' },
        engine: { type: 'string' },
        only: { type: 'string' },
        dir: { type: 'string' },
        open: { type: 'string' },
        profile: { type: 'string' },
        input: { type: 'string' },
        output: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** `undefined` when help was asked for. */
export function parseArguments(args: readonly string[]): Settings | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const [suite, ...rest] = positionals;
  if (suite === undefined) throw new UsageError(`name a suite: ${SUITES.join(', ')}`);
  if (rest.length > 0) throw new UsageError(`one suite at a time; '${rest[0]}' is too much`);
  const { rounds, count, duration } = values;
  return {
    suite: oneOf(suite, SUITES, 'the suite'),
    json: values.json,
    quick: values.quick,
    rounds: rounds === undefined ? undefined : wholeNumber(rounds, 'rounds', 1),
    count: count === undefined ? undefined : wholeNumber(count, 'count', 1),
    durationMs: duration === undefined ? undefined : wholeNumber(duration, 'duration', 1),
    batchOps: numbers(values.batch, 'batch', 1),
    addedSyncLatencyUs: numbers(values.added, 'added', 0),
    modes: names(values.mode, MODES, 'mode'),
    engines: names(values.engine, ENGINES, 'engine'),
    only: values.only?.split(','),
    directory: resolve(values.dir ?? tmpdir()),
    openOptions: objectOf(values.open),
    profileDirectory: values.profile === undefined ? undefined : resolve(values.profile),
    inputs: values.input?.split(',').map((path) => resolve(path)),
    output: values.output === undefined ? undefined : resolve(values.output),
  };
}
