/**
 * One exhaustive search with SPIN: generates the verifier for a model with some definitions,
 * compiles and runs it in a directory of its own, and reads what it says. A search that was cut
 * short in any way is never taken for one that found nothing.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Tools } from './tools.js';

export const MODEL_DIRECTORY = join(import.meta.dirname, '../../../../../model');
const MS_PER_SECOND = 1000;
const TRAIL_LINES = 120;
/** Slots of the hash table; SPIN's own number, four times as many, is made ready in 0.1 s. */
const SMALL_TABLE_BITS = 22;
/** The signal that ends a search beyond its time. */
const TOO_LONG = 'SIGKILL';

/** What a search is to be about. */
export interface Search {
  /** `ring` is model/ring.pml. */
  readonly model: string;
  /** `BUG_B1`, `COMMITS=4`. */
  readonly definitions: readonly string[];
  /** An LTL claim, checked with weak fairness; none: assertions and invalid end states. */
  readonly claim?: string;
}

export interface SearchLimits {
  /** Beside the small ones, whose -O0 and table of few states are sooner made. */
  readonly isLarge: boolean;
  readonly depthMax: number;
  readonly memoryMib: number;
  readonly limitMs: number;
}

export type Finding = 'nothing' | 'assertion' | 'deadlock' | 'cycle';

export interface Outcome {
  /** `undefined`: the search did not come to an end; `why` says so. */
  readonly finding: Finding | undefined;
  readonly why: string;
  readonly states: number;
  readonly depth: number;
  readonly memoryMib: number;
  readonly seconds: number;
  /** Statements of the model, by `file:line text`, and whether this search executed them. */
  readonly statements: ReadonlyMap<string, boolean>;
  /** The last steps of the counter-example. */
  readonly trail: string;
}

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[], cwd: string, limitMs: number) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(command, args, { cwd, timeout: limitMs, killSignal: TOO_LONG });
    let output = '';
    const add = (text: Buffer): void => {
      output += text.toString();
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}

function verifierFlags(search: Search, { isLarge, memoryMib }: SearchLimits): string[] {
  const speed = isLarge ? ['-O2', '-DCOLLAPSE'] : ['-O0'];
  const flags = [...speed, '-w', `-DMEMLIM=${memoryMib}`];
  // NFAIR: words for the rounds of weak fairness; two are enough for 30 processes.
  return search.claim === undefined ? [...flags, '-DSAFETY', '-DNOCLAIM'] : [...flags, '-DNFAIR=2'];
}

function verifierArguments(search: Search, { isLarge, depthMax }: SearchLimits): string[] {
  const claim = search.claim === undefined ? [] : ['-a', '-f', '-N', search.claim];
  const table = isLarge ? [] : [`-w${SMALL_TABLE_BITS}`];
  return [`-m${depthMax}`, ...table, ...claim];
}

export function commandOf({ model, definitions, claim }: Search): string {
  const flags = definitions.map((definition) => `-D${definition}`).join(' ');
  const kind = claim === undefined ? '-safety' : `-a -f -ltl ${claim}`;
  return `cd model && spin -run ${flags} ${kind} -m1000000 ${model}.pml`;
}

export async function check(tools: Tools, search: Search, limits: SearchLimits): Promise<Outcome> {
  const cwd = mkdtempSync(join(tmpdir(), 'manifold-model-'));
  try {
    for (const name of readdirSync(MODEL_DIRECTORY)) {
      if (name.endsWith('.pml')) copyFileSync(join(MODEL_DIRECTORY, name), join(cwd, name));
    }
    return await checkIn(cwd, tools, search, limits);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

async function checkIn(
  cwd: string,
  tools: Tools,
  search: Search,
  limits: SearchLimits,
): Promise<Outcome> {
  const { limitMs } = limits;
  const definitions = search.definitions.map((definition) => `-D${definition}`);
  const file = `${search.model}.pml`;
  await must(tools.spin, ['-a', ...definitions, file], cwd, limitMs);
  const compile = [...verifierFlags(search, limits), '-o', 'pan', 'pan.c'];
  await must(tools.compiler, compile, cwd, limitMs);
  const startMs = performance.now();
  const args = verifierArguments(search, limits);
  const verifier = join(cwd, 'pan');
  const { status, output } = await run(verifier, args, cwd, limitMs);
  const seconds = (performance.now() - startMs) / MS_PER_SECOND;
  const table = await run(verifier, ['-d'], cwd, limitMs);
  const statements = readStatements(table.output, output);
  const outcome = { ...readOutput(status, output), statements, seconds, trail: '' };
  if (outcome.finding === 'nothing') return outcome;
  const replay = ['-t', '-p', ...definitions, file];
  const trail = readdirSync(cwd).some((name) => name.endsWith('.trail'))
    ? (await run(tools.spin, replay, cwd, limitMs)).output
    : output;
  return { ...outcome, trail: lastLines(trail, TRAIL_LINES) };
}

async function must(command: string, args: readonly string[], cwd: string, limitMs: number) {
  const { status, output } = await run(command, args, cwd, limitMs);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${status}\n${output}`);
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

function numberIn(output: string, pattern: RegExp): number {
  return Number(pattern.exec(output)?.[1] ?? Number.NaN);
}

/** Signs of a search that did not look at everything, or not exactly. */
const CUT_SHORT =
  /max search depth too small|MEMLIM|out of memory|bit statespace|VECTORSZ|hash factor|truncated/i;

type Read = Omit<Outcome, 'seconds' | 'trail' | 'statements'>;

function readOutput(status: number | null, output: string): Read {
  const errors = numberIn(output, /errors: (\d+)/);
  const figures = {
    states: numberIn(output, /([\d.e+]+) states, stored/),
    depth: numberIn(output, /depth reached (\d+)/),
    memoryMib: numberIn(output, /([\d.]+)\s+total actual memory usage/),
  };
  const cut = CUT_SHORT.exec(output)?.[0];
  if (cut !== undefined || !(figures.states > 0) || !(errors >= 0)) {
    const why = cut ?? `the verifier ended with ${status}: ${lastLines(output, TRAIL_LINES)}`;
    return { ...figures, finding: undefined, why };
  }
  if (errors > 0) return { ...figures, ...findingOf(output) };
  const isWhole = !output.includes('Search not completed');
  return isWhole
    ? { ...figures, finding: 'nothing', why: '' }
    : { ...figures, finding: undefined, why: 'Search not completed' };
}

/**
 * A macro of the model stands in the verifier once per use: it was executed when one use was. The
 * table of all transitions names them, and the search says which states were left out.
 */
function readStatements(table: string, output: string): Map<string, boolean> {
  const unreached = new Set<string>();
  for (const part of output.split('unreached in ').slice(1)) {
    const owner = firstLine(part).replace('proctype ', '');
    for (const [, state] of part.matchAll(/\.pml:\d+, state (\d+), /g)) {
      unreached.add(`${owner} ${state}`);
    }
  }
  const statements = new Map<string, boolean>();
  for (const part of table.split(/^proctype /m).slice(1)) {
    const owner = firstLine(part);
    const rows = /^\s+state\s+(\d+) .*?([\w-]+\.pml:\d+ => .*)$/gm;
    for (const [, state, text] of part.matchAll(rows)) {
      const isReached = !unreached.has(`${owner} ${state}`);
      statements.set(text!, isReached || statements.get(text!) === true);
    }
  }
  return statements;
}

function firstLine(text: string): string {
  return text.slice(0, text.indexOf('\n')).trim();
}

function findingOf(output: string): { finding: Finding | undefined; why: string } {
  const why = /^pan:\d+: (.*)$/m.exec(output)?.[1] ?? 'no error is named';
  if (why.startsWith('assertion violated') && !why.includes('invalid array index')) {
    return { finding: 'assertion', why };
  }
  if (why.startsWith('invalid end state')) return { finding: 'deadlock', why };
  if (why.startsWith('acceptance cycle')) return { finding: 'cycle', why };
  return { finding: undefined, why };
}
