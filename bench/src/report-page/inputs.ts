/**
 * Where the page's figures come from: files with what suites printed, or the suites themselves, run
 * one after another by the same command that a person would use.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SUITES, UsageError, type Settings } from '../arguments.js';
import { isRow, textOf, type Row, type SuiteResult } from './rows.js';
import { commandFor, type MissingPart } from './section.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
/** The page itself, and what takes hours or says nothing about speed against others. */
const NOT_RUN = new Set(['report', 'large', 'micro']);

export interface Inputs {
  readonly results: SuiteResult[];
  readonly missing: MissingPart[];
}

function resultOf(row: Row, place: string): SuiteResult {
  const suite = textOf(row, 'suite');
  if (suite === undefined) throw new UsageError(`${place} is not what a suite prints with --json`);
  return { suite, json: row };
}

function parsed(text: string, place: string): Row {
  try {
    const value: unknown = JSON.parse(text);
    if (isRow(value)) return value;
  } catch {
    // Said below, as for any other value.
  }
  throw new UsageError(`${place} holds no JSON object`);
}

/** One object, or one in each line. */
function resultsIn(path: string): SuiteResult[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`);
  }
  if (!text.includes('\n{')) return [resultOf(parsed(text, path), path)];
  return text.split('\n').map((line, index) => {
    const place = `${path}, line ${index + 1},`;
    return resultOf(parsed(line, place), place);
  });
}

function runSuite(suite: string, settings: Settings): Promise<SuiteResult> {
  const args = [MAIN, suite, '--json', '--dir', settings.directory];
  if (settings.quick) args.push('--quick');
  if (settings.rounds !== undefined) args.push('--rounds', String(settings.rounds));
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code !== 0) {
        reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`));
        return;
      }
      resolve(resultOf(parsed(Buffer.concat(pieces).toString(), suite), suite));
    });
  });
}

function notThere(suite: string, why: string): MissingPart {
  return { title: `suite ${suite}`, why, command: commandFor(suite) };
}

function wanted(): string[] {
  return SUITES.filter((suite) => suite !== 'report');
}

function fromFiles(paths: readonly string[]): Inputs {
  // The last file that holds a suite has the newest figures.
  const bySuite = new Map(paths.flatMap(resultsIn).map((result) => [result.suite, result]));
  const missing = wanted().filter((suite) => !bySuite.has(suite));
  return {
    results: [...bySuite.values()],
    missing: missing.map((suite) => notThere(suite, 'none of the files holds it')),
  };
}

/** A suite that fails is missing from the page; the others are still worth reading. */
async function fromRuns(settings: Settings): Promise<Inputs> {
  const inputs: Inputs = { results: [], missing: [] };
  for (const suite of wanted()) {
    if (NOT_RUN.has(suite)) {
      inputs.missing.push(notThere(suite, 'it runs only when it is asked for'));
      continue;
    }
    process.stderr.write(`suite ${suite}\n`);
    try {
      inputs.results.push(await runSuite(suite, settings));
    } catch (error) {
      inputs.missing.push(notThere(suite, (error as Error).message));
    }
  }
  return inputs;
}

export function readInputs(settings: Settings): Promise<Inputs> | Inputs {
  return settings.inputs === undefined ? fromRuns(settings) : fromFiles(settings.inputs);
}
