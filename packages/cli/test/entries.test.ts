/**
 * Single entries and ranges: put, get, delete, scan, count, stats.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifold, output, temporaryFolder } from './helpers/manifold.js';

const folder = temporaryFolder();

describe('put, get and delete', () => {
  const db = join(folder, 'single');

  it('store, show and remove a value', async () => {
    expect(await output(['put', db, 'ada', 'löve\nlace'])).toBe('');
    expect(await output(['get', db, 'ada'])).toBe('löve\nlace\n');
    expect(JSON.parse(await output(['get', db, 'ada', '--json']))).toEqual({
      key: 'ada',
      value: 'löve\nlace',
    });
    const { sequence } = JSON.parse(await output(['delete', db, 'ada', '--json'])) as {
      sequence: number;
    };
    expect(sequence).toBe(2);
    const gone = await manifold(['get', db, 'ada']);
    expect(gone).toEqual({
      code: 1,
      out: '',
      err: 'error: there is no key "ada" in column family "default"\n',
    });
    expect((await manifold(['delete', db, 'ada'])).code).toBe(1);
  });

  it('keep bytes as they are', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    await output(['put', db, '00ff', '--encoding', 'hex', '--cf', 'raw'], bytes.toString('hex'));
    expect(await output(['get', db, '00ff', '--encoding', 'hex', '--cf', 'raw'])).toBe(
      `${bytes.toString('hex')}\n`,
    );
    expect(await output(['scan', db, '--cf', 'raw', '--json'])).toBe(
      `${JSON.stringify({ key64: 'AP8=', value64: bytes.toString('base64') })}\n`,
    );
    expect(await output(['scan', db, '--cf', 'raw'])).toBe('hex:00ff\thex:00ff0a0d80\n');
  });

  it('respect conditions', async () => {
    await output(['put', db, 'k', '1', '--if-absent']);
    const second = await manifold(['put', db, 'k', '2', '--if-absent']);
    expect(second.err).toBe('error: key "k" exists already; nothing was written\n');
    expect(second.code).toBe(1);
    const wrong = await manifold(['put', db, 'k', '2', '--if-value', '0']);
    expect(wrong.err).toBe('error: key "k" has another value; nothing was written\n');
    await output(['put', db, 'k', '2', '--if-value', '1']);
    expect(await output(['get', db, 'k'])).toBe('2\n');
  });

  it('refuse a key that is too long or empty', async () => {
    for (const key of ['', 'x'.repeat(1025)]) {
      const { code, err } = await manifold(['put', db, key, 'v']);
      expect(err).toMatch(/^error: .*key.*\n$/);
      expect(code).toBe(2);
    }
  });
});

describe('scan and count', () => {
  const db = join(folder, 'ranges');
  const keys = ['a', 'aa', 'ab', 'b', 'ba'];

  it('show ranges in both directions', async () => {
    await output(['load', db, '-', '--format', 'lines'], keys.join('\n'));
    const scan = async (...args: string[]): Promise<string[]> => {
      const out = await output(['scan', db, '--keys', ...args]);
      return out.split('\n').slice(0, -1);
    };
    expect(await scan()).toEqual(keys);
    expect(await scan('--reverse')).toEqual(keys.toReversed());
    expect(await scan('--prefix', 'a')).toEqual(['a', 'aa', 'ab']);
    expect(await scan('--gt', 'a', '--lte', 'b')).toEqual(['aa', 'ab', 'b']);
    expect(await scan('--gte', 'aa', '--lt', 'b', '--limit', '1')).toEqual(['aa']);
    expect(await scan('--limit', '0')).toEqual([]);
    expect(await output(['scan', db, '--limit', '1'])).toBe('a\t0\n');
    expect(await output(['count', db])).toBe('5\n');
    expect(JSON.parse(await output(['count', db, '--prefix', 'b', '--json']))).toEqual({
      columnFamily: 'default',
      count: 2,
    });
  });

  it('refuse bounds that contradict each other', async () => {
    const { code, err } = await manifold(['scan', db, '--gt', 'a', '--gte', 'b']);
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(code).toBe(2);
  });

  it('name the column families there are', async () => {
    const { code, err } = await manifold(['count', db, '--cf', 'nope']);
    expect(err).toBe('error: there is no column family "nope"; there is "default"\n');
    expect(code).toBe(1);
  });
});

describe('stats', () => {
  const db = join(folder, 'stats');

  it('shows column families and figures', async () => {
    await output(['put', db, 'a', '1', '--cf', 'letters']);
    const report = JSON.parse(await output(['stats', db, '--json'])) as Record<string, unknown>;
    expect(report['columnFamilies']).toContainEqual({ name: 'letters', count: 1 });
    expect(report['bytesOnDisk']).toBeGreaterThan(0);
    const text = await output(['stats', db]);
    expect(text).toContain('column family "letters": 1 entries\n');
    expect(text).toMatch(/^sequences\.synced: 1$/m);
  });
});
