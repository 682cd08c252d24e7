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
const TRAIL_LINES = 60;
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
  /** Lines of the model that were never executed. */
  readonly unreached: readonly string[];
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

function verifierFlags(search: Search, memoryMib: number): string[] {
  const flags = ['-O2', '-w', `-DMEMLIM=${memoryMib}`, '-DCOLLAPSE'];
  // One step of every process, and one of the claim, must fit the rounds of weak fairness.
  return search.claim === undefined ? [...flags, '-DSAFETY', '-DNOCLAIM'] : [...flags, '-DNFAIR=4'];
}

function verifierArguments(search: Search, depthMax: number): string[] {
  const claim = search.claim === undefined ? [] : ['-a', '-f', '-N', search.claim];
  return [`-m${depthMax}`, ...claim];
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
  const { limitMs, memoryMib, depthMax } = limits;
  const definitions = search.definitions.map((definition) => `-D${definition}`);
  const file = `${search.model}.pml`;
  await must(tools.spin, ['-a', ...definitions, file], cwd, limitMs);
  const compile = [...verifierFlags(search, memoryMib), '-o', 'pan', 'pan.c'];
  await must(tools.compiler, compile, cwd, limitMs);
  const startMs = performance.now();
  const args = verifierArguments(search, depthMax);
  const { status, output } = await run(join(cwd, 'pan'), args, cwd, limitMs);
  const seconds = (performance.now() - startMs) / MS_PER_SECOND;
  const outcome = { ...readOutput(status, output), seconds, trail: '' };
  if (outcome.finding === 'nothing') return outcome;
  const replay = ['-t', '-p', '-g', ...definitions, file];
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

export function readOutput(
  status: number | null,
  output: string,
): Omit<Outcome, 'seconds' | 'trail'> {
  const errors = numberIn(output, /errors: (\d+)/);
  const figures = {
    states: numberIn(output, /([\d.e+]+) states, stored/),
    depth: numberIn(output, /depth reached (\d+)/),
    memoryMib: numberIn(output, /([\d.]+)\s+total actual memory usage/),
    unreached: [...output.matchAll(/^\s+(\S+\.pml:\d+), state \d+, (.*)$/gm)].map(
      ([, place, text]) => `${place} ${text}`,
    ),
  };
  const found = findingOf(output);
  const cut = CUT_SHORT.exec(output)?.[0];
  if (cut !== undefined || !(figures.states > 0) || !(errors >= 0)) {
    const why = cut ?? `the verifier ended with ${status}: ${lastLines(output, TRAIL_LINES)}`;
    return { ...figures, finding: undefined, why };
  }
  if (errors === 0 && /Search not completed/.test(output)) {
    return { ...figures, finding: undefined, why: 'Search not completed' };
  }
  if (errors === 0) return { ...figures, finding: 'nothing', why: '' };
  return { ...figures, ...found };
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
