/**
 * Runs the built command in a process of its own, as a user does.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin/manifold.mjs', import.meta.url));

export interface Ending {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function start(args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [BIN, ...args]);
}

/** Collects the output of a process until it has ended. */
export function ending(child: ChildProcessWithoutNullStreams): Promise<Ending> {
  const parts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (parts.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (parts.err += text));
  // A command that fails early does not read its input to the end.
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...parts }));
  });
}

/** Runs a command line to its end. */
export function manifold(args: readonly string[], input: string | Buffer = ''): Promise<Ending> {
  const child = start(args);
  const ended = ending(child);
  child.stdin.end(input);
  return ended;
}

/** Runs a command that must succeed; returns what it printed on stdout. */
export async function output(args: readonly string[], input?: string | Buffer): Promise<string> {
  const { code, out, err } = await manifold(args, input);
  if (code === 0) return out;
  throw new Error(`manifold ${args.join(' ')}: exit code ${code}: ${err}`);
}

/** A folder for one test file, removed after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Polls until the condition holds; the test's own time-out ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
