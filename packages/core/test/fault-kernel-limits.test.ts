/**
 * Limits that the kernel itself enforces, with real threads and real files: the largest file, the
 * number of open files, a file system that is mounted read-only, and one that is full. The process
 * neither hangs nor ends, every error is typed, reads go on, and a process without the limit finds
 * everything acknowledged.
 */
import { describe, expect, it } from 'vitest';
import { freshPath } from './support/directories.js';
import {
  all,
  canLimit,
  canMount,
  childCommand,
  eventsOf,
  quoted,
  type Events,
} from './support/kernel-limits/run.js';
import { BUILD_MODES } from './support/modes.js';

const MIB = 1024 * 1024;
const TYPED = /^ERR_MANIFOLD_[A-Z]+$/;

/** Every error is typed; the prefix that is left has everything acknowledged. */
function expectSound(events: Events, checked: Events): void {
  for (const name of ['put', 'again', 'checkpoint', 'thrown']) {
    for (const code of all(events, name)) if (code !== 'done') expect(code).toMatch(TYPED);
  }
  expect(all(events, 'read')).toEqual([]);
  expect(all(checked, 'thrown')).toEqual([]);
  expect(all(checked, 'verify')).toEqual(['done']);
  const [numbers] = all(checked, 'numbers') as [number[]];
  expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  expect(numbers.length).toBeGreaterThanOrEqual(all(events, 'acknowledged').length);
}

async function writeLimited(limit: string[], needs: object): Promise<Events> {
  const path = freshPath();
  const events = await eventsOf([...limit, ...childCommand('write', path, needs)]);
  expectSound(events, await eventsOf(childCommand('check', path)));
  return events;
}

describe.skipIf(!canLimit)('limits of the process (prlimit)', () => {
  it('RLIMIT_FSIZE below a log segment: nothing is created', async () => {
    const events = await writeLimited(['prlimit', `--fsize=${2.5 * MIB}`], {});
    expect(all(events, 'thrown')).toEqual(['ERR_MANIFOLD_IO']);
    expect(all(events, 'open')).toEqual([]);
  });

  it.each(BUILD_MODES)('RLIMIT_FSIZE above it: files cannot grow, mode %s', async (mode) => {
    const limit = ['prlimit', `--fsize=${3.5 * MIB + 1000}`];
    const events = await writeLimited(limit, { mode });
    expect(all(events, 'acknowledged').length).toBeGreaterThan(20);
    expect(all(events, 'again')).toEqual(['ERR_MANIFOLD_POISONED']);
    expect(all(events, 'thrown')).toEqual(['ERR_MANIFOLD_POISONED']);
  });

  it.each([2, 6, 20])('RLIMIT_NOFILE: %i more when it opens', async (handlesBefore) => {
    const events = await writeLimited([], { handlesBefore });
    if (handlesBefore === 2) expect(all(events, 'open')).toEqual([]);
  });

  it('RLIMIT_NOFILE: none more once it is open', async () => {
    const events = await writeLimited([], { handlesAfter: 0 });
    expect(all(events, 'open')).toEqual(['done']);
    expect(all(events, 'again')).toEqual(['ERR_MANIFOLD_POISONED']);
  });
});

/** Runs shell lines with a file system of `bytes` in memory at $dir. */
function onSmallDisk(bytes: number, lines: (directory: string) => string[]): Promise<Events> {
  const directory = freshPath('mount');
  const script = [
    `mkdir -p '${directory}'`,
    `mount -t tmpfs -o size=${bytes} tmpfs '${directory}'`,
    ...lines(directory),
  ];
  return eventsOf(['unshare', '-rm', 'sh', '-e', '-c', script.join('\n')]);
}

describe.skipIf(!canMount)('small disks (mount)', () => {
  it.each(BUILD_MODES)('full: refuses commits until there is room, mode %s', async (mode) => {
    const events = await onSmallDisk(24 * MIB, (directory) => {
      const needs = { mode, filler: `${directory}/filler` };
      const path = `${directory}/db`;
      return [childCommand('write', path, needs), childCommand('check', path)].map(quoted);
    });
    const end = events.findIndex((event) => 'end' in event) + 1;
    expectSound(events.slice(0, end), events.slice(end));
    expect(all(events, 'put')).toEqual(['ERR_MANIFOLD_FULL']);
    expect(all(events, 'again')).toEqual(['done']);
    expect(all(events, 'close')).toEqual(['done']);
  });

  it('too small for a database', async () => {
    const events = await onSmallDisk(2 * MIB, (directory) => [
      quoted(childCommand('write', `${directory}/db`)),
    ]);
    expect(all(events, 'thrown')).toEqual(['ERR_MANIFOLD_FULL']);
  });

  it('mounted read-only: it is read', async () => {
    const events = await onSmallDisk(24 * MIB, (directory) => {
      const path = `${directory}/db`;
      return [
        quoted(childCommand('write', path)),
        `mount -o remount,ro '${directory}'`,
        quoted(childCommand('readOnly', path)),
      ];
    });
    expect(all(events, 'writable')).toEqual(['ERR_MANIFOLD_READONLY']);
    expect(all(events, 'readOnly')).toEqual([60_000]);
    expect(all(events, 'create')).toEqual(['ERR_MANIFOLD_READONLY']);
  });
});

it.runIf(!canLimit)('skipped: limits of the process, for want of `prlimit`', () => {
  expect(canLimit).toBe(false);
});

it.runIf(!canMount)('skipped: small and read-only disks, for want of `unshare` and `mount`', () => {
  expect(canMount).toBe(false);
});
