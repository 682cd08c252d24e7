/** Runs programs under limits of the kernel: `prlimit`, and mounts in a namespace of their own. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
/** Only against a hang: a child needs a second. */
const LIMIT_MS = 120_000;

export type Events = Record<string, unknown>[];

function succeeds(command: string, ...rest: string[]): boolean {
  return spawnSync(command, rest, { stdio: 'ignore' }).status === 0;
}

export const canLimit = succeeds('prlimit', '--fsize=1048576', 'true');
/** In a namespace of its own, so that a mount is gone with the process. */
export const canMount = succeeds('unshare', '-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt');

/** The shell words that run a task of the child. */
export function childCommand(task: string, path: string, needs: object = {}): string[] {
  return [process.execPath, CHILD, task, path, JSON.stringify(needs)];
}

export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

/** What the command reported, event by event; fails when it hangs or crashes. */
export function eventsOf(command: readonly string[]): Promise<Events> {
  const [program, ...rest] = command;
  const child = spawn(program!, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MANIFOLD_CHECKS: '' },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const ended = `${code ?? signal ?? ''}: ${output.slice(-500)} ${errors}`;
      if (code !== 0) reject(new Error(`ended with ${ended}`));
      else resolve(output.trim().split('\n').map(parse));
    });
  });
}

function parse(line: string): Events[number] {
  return JSON.parse(line) as Events[number];
}

/** The values of one kind of event. */
export function all(events: Events, name: string): unknown[] {
  return events.flatMap((event) => (name in event ? [event[name]] : []));
}
