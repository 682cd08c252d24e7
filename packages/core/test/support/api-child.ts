/**
 * Programs of users, each in a process of its own. Test thread.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Where a program finds `@manifold-db/core`. */
const PACKAGE_DIRECTORY = fileURLToPath(new URL('../..', import.meta.url));

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** As a user's program: without the costly checks of the tests. */
const env = { ...process.env, MANIFOLD_CHECKS: '' };

/** Starts a module; the arguments are `process.argv.slice(1)`. */
export function startProgram(
  source: string,
  programArguments: readonly string[],
  nodeOptions: readonly string[] = [],
): ChildProcess {
  const child = spawn(
    process.execPath,
    [...nodeOptions, '--input-type=module', '-e', source, '--', ...programArguments],
    { cwd: PACKAGE_DIRECTORY, stdio: ['ignore', 'pipe', 'pipe'], env },
  );
  // One that hangs must not outlive its test.
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs a module to its end. */
export function runProgram(
  source: string,
  programArguments: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<ChildResult> {
  const child = startProgram(source, programArguments, nodeOptions);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Resolves when the program has printed the text; rejects when it ends without. */
export function whenPrinted(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let printed = '';
    let errors = '';
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
      if (printed.includes(text)) resolve();
    });
    child.on('exit', (code) => reject(new Error(`ended with ${code}: ${printed}${errors}`)));
  });
}

/** Resolves when the process is gone. */
export function whenGone(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}
