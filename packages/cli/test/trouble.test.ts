/**
 * What goes wrong in practice: each case ends with one line on stderr and the right exit code.
 */
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ending, manifold, output, start, temporaryFolder, until } from './helpers/manifold.js';

const folder = temporaryFolder();
const ONE_LINE = /^error: [^\n]+\n$/;

const numbers = (count: number): string => {
  return Array.from({ length: count }, (_, index) => `number ${index}`).join('\n');
};

describe('a path that is no database', () => {
  it.each([
    ['get', 'k'],
    ['delete', 'k'],
    ['scan'],
    ['count'],
    ['stats'],
    ['verify'],
    ['dump'],
    ['backup', join(folder, 'never')],
  ])('is refused by %s', async (command, ...rest) => {
    const { code, out, err } = await manifold([command, join(folder, 'absent'), ...rest]);
    expect(err).toMatch(ONE_LINE);
    expect(err).toContain('absent');
    expect([code, out]).toEqual([1, '']);
    expect(existsSync(join(folder, 'absent'))).toBe(false);
  });

  it('is refused when it is a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'x');
    for (const command of [
      ['put', file, 'k', 'v'],
      ['count', file],
    ]) {
      const { code, err } = await manifold(command);
      expect(err).toMatch(ONE_LINE);
      expect(code).toBe(1);
    }
  });
});

describe('a database that is open elsewhere', () => {
  it('is refused until the other program ends', async () => {
    const db = join(folder, 'locked');
    const holder = start(['load', db, '-', '--format', 'lines', '--quiet']);
    const ended = ending(holder);
    await until(() => existsSync(join(db, 'LOCK')));
    const { code, err } = await manifold(['put', db, 'k', 'v']);
    expect(err).toMatch(ONE_LINE);
    expect(err).toContain('[ERR_MANIFOLD_LOCKED]');
    expect(err).toContain(String(holder.pid));
    expect(code).toBe(1);
    holder.stdin.end('x\n');
    expect((await ended).code).toBe(0);
    expect(await output(['get', db, 'x'])).toBe('0\n');
  });
});

const PAGE_BYTES = 4096;

describe('a damaged database', () => {
  it('is reported, never shown as data', async () => {
    const db = join(folder, 'damaged');
    await output(['load', db, '-', '--format', 'lines', '--quiet'], numbers(5000));
    expect((await manifold(['verify', db])).out).toMatch(/^sound: .* pages, 5,000 entries/);
    const file = join(db, 'data.manifold');
    const bytes = readFileSync(file);
    const handle = openSync(file, 'r+');
    let damaged = 0;
    for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
      // The pages full of numbers are leaves of the loaded family.
      const text = bytes.toString('latin1', at, at + PAGE_BYTES);
      if ((text.match(/\d\d/g) ?? []).length < 50) continue;
      writeSync(handle, Buffer.from([bytes.readUInt8(at + 2000) ^ 1]), 0, 1, at + 2000);
      damaged++;
    }
    expect(damaged).toBeGreaterThan(3);
    const verify = await manifold(['verify', db]);
    expect(verify.code).toBe(1);
    expect(verify.err).toMatch(ONE_LINE);
    expect(verify.out).toMatch(/offset \d+/);
    const json = await manifold(['verify', db, '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false });
    const scan = await manifold(['scan', db]);
    expect(scan.err).toMatch(ONE_LINE);
    expect(scan.err).toContain('[ERR_MANIFOLD_CORRUPT]');
    expect(scan.code).toBe(1);
  });

  it('is reported when its data file is gone or empty', async () => {
    const db = join(folder, 'emptied');
    await output(['put', db, 'k', 'v']);
    writeFileSync(join(db, 'data.manifold'), '');
    for (const command of [
      ['get', db, 'k'],
      ['put', db, 'k', 'v'],
      ['verify', db],
    ]) {
      const { code, err } = await manifold(command);
      expect(err).toMatch(ONE_LINE);
      expect(err).toContain('[ERR_MANIFOLD_CORRUPT]');
      expect(code).toBe(1);
    }
  });
});

describe('backup', () => {
  it('opens like the original, and never overwrites', async () => {
    const [db, copy] = [join(folder, 'original'), join(folder, 'copy')];
    await output(['load', db, '-', '--format', 'lines', '--quiet'], numbers(100));
    const report = JSON.parse(await output(['backup', db, copy, '--json'])) as { bytes: number };
    expect(report.bytes).toBeGreaterThan(0);
    expect(await output(['count', copy])).toBe('100\n');
    expect((await manifold(['verify', copy])).code).toBe(0);
    const again = await manifold(['backup', db, copy]);
    expect(again.err).toMatch(ONE_LINE);
    expect(again.code).toBe(1);
    const full = join(folder, 'full');
    mkdirSync(full);
    writeFileSync(join(full, 'mine'), 'x');
    expect((await manifold(['backup', db, full])).code).toBe(1);
    expect(readdirSync(full)).toEqual(['mine']);
  });
});

describe('a reader that goes away', () => {
  it('ends a scan quietly', async () => {
    const db = join(folder, 'piped');
    await output(['load', db, '-', '--format', 'lines', '--quiet'], numbers(50_000));
    const child = start(['scan', db]);
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, err } = await ending(child);
    expect([code, err]).toEqual([0, '']);
    expect((await manifold(['verify', db])).code).toBe(0);
  });
});

describe('ctrl-C', () => {
  it('ends a load in order, with what was committed', async () => {
    const db = join(folder, 'interrupted');
    const child = start(['load', db, '-', '--format', 'lines', '--batch', '10']);
    const ended = ending(child);
    child.stdin.write(`${numbers(5000)}\n`);
    // The first line of progress: the database is open, and commits are on their way.
    child.stderr.once('data', () => child.kill('SIGINT'));
    const { code, err } = await ended;
    expect(code).toBe(130);
    const kept = /\nerror: interrupted: the first (\d+) records are stored; [^\n]+\n$/.exec(err);
    expect(kept, err).not.toBeNull();
    expect(await output(['count', db])).toBe(`${kept?.[1]}\n`);
    const stats = JSON.parse(await output(['stats', db, '--json'])) as {
      recovery: { clean: boolean };
    };
    expect(stats.recovery.clean).toBe(true);
  });
});
