/**
 * Loading every format, dumping, and loading the dump again.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MODES } from '../src/arguments.js';
import { manifold, output, temporaryFolder } from './helpers/manifold.js';

const folder = temporaryFolder();

const cities = [
  { id: 'is', name: 'Ísafjörður', big: 1 },
  { id: 'jp', name: '東京, "Edo"', big: 2 },
];

const csvOf = (delimiter: string): string => {
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const rows = cities.map((city) => [city.id, quote(city.name), city.big].join(delimiter));
  return [['id', 'name', 'big'].join(delimiter), ...rows].join('\r\n');
};

const asText = cities.map((city) => ({ ...city, big: String(city.big) }));

describe('load', () => {
  it.each([
    ['cities.ndjson', cities.map((city) => JSON.stringify(city)).join('\n'), cities],
    ['cities.json', `\ufeff${JSON.stringify(cities, undefined, 2)}`, cities],
    ['cities.csv', csvOf(','), asText],
    ['cities.tsv', csvOf('\t'), asText],
  ])('reads %s', async (name, content, expected) => {
    const [db, file] = [join(folder, `db-${name}`), join(folder, name)];
    writeFileSync(file, content);
    const report = JSON.parse(
      await output(['load', db, file, '--key', 'id', '--cf', 'cities', '--json']),
    ) as Record<string, unknown>;
    expect(report).toMatchObject({ records: 2, commits: 1, skipped: 0, columnFamily: 'cities' });
    const lines = (await output(['scan', db, '--cf', 'cities', '--json'])).trim().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as { key: string; value: string });
    expect(entries.map((entry) => entry.key)).toEqual(['is', 'jp']);
    expect(entries.map((entry): unknown => JSON.parse(entry.value))).toEqual(expected);
  });

  it.each(MODES)('commits batches in mode %s', async (mode) => {
    const db = join(folder, `db-${mode}`);
    const lines = Array.from({ length: 1234 }, (_, index) => `line ${index}`);
    const flags = ['--format', 'lines', '--mode', mode, '--batch', '100', '--in-flight', '3'];
    const { code, out, err } = await manifold(
      ['load', db, '-', ...flags, '--json'],
      lines.join('\n'),
    );
    expect(code).toBe(0);
    const report = JSON.parse(out) as Record<string, number>;
    expect(report).toMatchObject({ mode, durability: 'immediate', records: 1234, commits: 13 });
    for (const field of ['seconds', 'recordsPerSecond', 'p50Us', 'p99Us', 'syncs', 'bytesOnDisk']) {
      expect(report[field], field).toBeGreaterThan(0);
    }
    expect(err).toMatch(/1,234 records, .*\/s, synced 13, applied \d+ of 13\n$/);
    expect(await output(['count', db])).toBe('1234\n');
    expect(await output(['get', db, 'line 1233'])).toBe('1233\n');
  });

  it('stops at the first bad record and says where', async () => {
    const db = join(folder, 'db-bad');
    const flags = ['--format', 'ndjson', '--key', 'id', '--batch', '1', '--quiet'];
    const { code, out, err } = await manifold(['load', db, '-', ...flags], '{"id":""}\n');
    expect(err).toMatch(/^error: record 1: [^\n]*key[^\n]*\n$/);
    expect([code, out]).toEqual([1, '']);
    const bad = await manifold(['load', db, '-', ...flags], '{"id":1}\n{"id":\n');
    expect(bad.err).toMatch(/^error: line 2: not valid JSON [^\n]*\n$/);
  });
});

describe('dump', () => {
  it('is restored with all column families, byte for byte', async () => {
    const [first, second] = [join(folder, 'dump-1'), join(folder, 'dump-2')];
    await output(['put', first, 'a', 'ä\n']);
    await output(['put', first, 'ff00', '80', '--encoding', 'hex', '--cf', 'raw']);
    await output(['load', first, '-', '--format', 'lines', '--cf', 'lines'], 'x\ny\n');
    const dump = await output(['dump', first]);
    expect(dump.trim().split('\n')).toHaveLength(2 + 4);
    await output(['load', second, '-', '--format', 'ndjson', '--quiet'], dump);
    const withoutHeader = (text: string): string => text.slice(text.indexOf('\n'));
    expect(withoutHeader(await output(['dump', second]))).toBe(withoutHeader(dump));
    const lines = await output(['dump', first, '--cf', 'lines', '--json']);
    expect(lines.trim().split('\n')).toHaveLength(2 + 2);
  });
});
