/**
 * Runs a script in a process of its own and says how that ended, so that a test which fails tells
 * a crash from an exit code and from a process that it had to end itself. Test thread.
 *
 * Invariants
 * 1. A child ends with the test that started it, and with no other: `onTestFinished` must be the
 *    one of the test's own context. The global one means the test that was started last, which of
 *    several that run at once is another; a child was once killed when its neighbour had passed.
 */
import { spawn } from 'node:child_process';
import type { TestContext } from 'vitest';

const STDERR_TAIL_CHARACTERS = 4000;

export interface ChildRun {
  /** `exit code 0`, `signal SIGSEGV`, or that it ran longer than it may. */
  readonly ending: string;
  readonly stdout: string;
  /** The ending and the last that was written to standard error, for messages. */
  readonly story: string;
}

interface ChildOptions {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** It is ended after that: below the limit of the test, which could not say why. */
  readonly limitMs: number;
}

export function runChild(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  { args, env, limitMs }: ChildOptions,
): Promise<ChildRun> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, limitMs);
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_CHARACTERS);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      const ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
      const ending = isLate ? `killed after ${limitMs} ms` : ended;
      resolve({ ending, stdout, story: `${ending}\n${stderr}` });
    });
  });
}
