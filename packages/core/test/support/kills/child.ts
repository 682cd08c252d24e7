/** Runs the program that is killed, and tells the oracle what it says. Test thread. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { KILL_PROGRAM, type Life } from './program.js';

const PACKAGE_DIRECTORY = fileURLToPath(new URL('../../..', import.meta.url));
/** Only against a hang: a process lives for a second or two. */
const LIMIT_MS = 120_000;

/** SIGKILL, so many lines and milliseconds after the first line. */
export interface KillMoment {
  readonly lines: number;
  readonly delayMs: number;
}

export interface Ended {
  readonly lines: readonly string[];
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly errors: string;
  readonly hung: boolean;
}

export function runLives(
  path: string,
  lives: readonly Life[],
  { checks = false, kill }: { checks?: boolean; kill?: KillMoment } = {},
): Promise<Ended> {
  const program = ['--input-type=module', '-e', KILL_PROGRAM, '--', path, JSON.stringify(lives)];
  const child = spawn(process.execPath, program, {
    cwd: PACKAGE_DIRECTORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MANIFOLD_CHECKS: checks ? '1' : '' },
  });
  let hung = false;
  const limit = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, LIMIT_MS);
  let output = '';
  let errors = '';
  let count = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (kill === undefined) return;
    const before = count;
    count += text.split('\n').length - 1;
    if (before >= kill.lines || count < kill.lines) return;
    setTimeout(() => child.kill('SIGKILL'), kill.delayMs);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      // The last line may be cut off.
      const lines = output.slice(0, output.lastIndexOf('\n') + 1).split('\n');
      lines.pop();
      resolve({ lines, signal, code, errors, hung });
    });
  });
}
