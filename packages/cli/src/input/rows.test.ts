import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect, cutAt, places, streamOf, text } from '../../test/helpers/chunks.js';
import { dumpEntry, dumpHeader, dumpTrailer } from './dump-format.js';
import type { Format } from './format.js';
import { parseKeyRule } from './key.js';
import { readItems, readRows, type Row } from './rows.js';
import { withoutByteOrderMark } from './source.js';

function rowsOf(
  input: string | Buffer,
  format: Format,
  key: string,
  cuts: readonly number[] = [],
): Promise<Row[]> {
  const chunks = streamOf(cutAt(Buffer.from(input), cuts));
  const counts = { skipped: 0 };
  return collect(readRows(chunks, format, parseKeyRule(key, '/'), counts));
}

const csvCell = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe('readItems', () => {
  it('round-trips NDJSON wherever it is cut', async () => {
    const property = fc.asyncProperty(fc.array(fc.jsonValue()), places, async (values, cuts) => {
      const ndjson = values.map((value) => `${JSON.stringify(value)}\n`).join('\n');
      const items = await collect(readItems(streamOf(cutAt(Buffer.from(ndjson), cuts)), 'ndjson'));
      expect(items.map((item) => item.value)).toEqual(JSON.parse(JSON.stringify(values)));
    });
    await fc.assert(property);
  });

  it('round-trips CSV wherever it is cut', async () => {
    const cell = fc.oneof(text, fc.constantFrom(',', '"', '\n', '\r\n', '""', 'ä,"ö"\n'));
    const rows = fc.array(fc.tuple(cell, cell, cell));
    const property = fc.asyncProperty(rows, places, async (cells, cuts) => {
      const header = ['a', '__proto__', 'c'];
      const csv = [header, ...cells].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
      const items = await collect(readItems(streamOf(cutAt(Buffer.from(csv), cuts)), 'csv'));
      expect(
        items.map((item) =>
          header.map(
            (name) => Object.entries(item.value as object).find(([key]) => key === name)?.[1],
          ),
        ),
      ).toEqual(cells);
      for (const item of items) expect(JSON.parse(item.text)).toEqual(item.value);
    });
    await fc.assert(property);
  });

  it('drops a byte-order mark that comes in pieces, and only that', async () => {
    const mark = Buffer.from('\ufeff');
    const property = fc.asyncProperty(fc.boolean(), text, places, async (marked, content, cuts) => {
      const body = Buffer.from(content.replace(/^\ufeff+/, ''));
      const bytes = marked ? Buffer.concat([mark, body]) : body;
      const chunks: Uint8Array[] = [];
      for await (const chunk of withoutByteOrderMark(streamOf(cutAt(bytes, cuts))))
        chunks.push(chunk);
      expect(Buffer.concat(chunks)).toEqual(body);
    });
    await fc.assert(property);
    const partial = Buffer.from([0xef, 0xbb]);
    const kept: Uint8Array[] = [];
    for await (const chunk of withoutByteOrderMark(streamOf([partial]))) kept.push(chunk);
    expect(Buffer.concat(kept)).toEqual(partial);
  });
});

describe('readRows', () => {
  it('takes the line as key and its number as value', async () => {
    expect(await rowsOf('b\n\na\n', 'lines', 'line')).toEqual([
      { key: 'b', value: '0' },
      { key: 'a', value: '1' },
    ]);
    expect(await rowsOf('["b", "a"]', 'json', 'line')).toEqual([
      { key: 'b', value: '0' },
      { key: 'a', value: '1' },
    ]);
  });

  it('takes the number as key, so that keys sort by it', async () => {
    const rows = await rowsOf(`${'x\n'.repeat(11)}\n`, 'lines', 'index');
    const keys = rows.map((row) => String(row.key));
    expect(keys).toEqual([...keys].sort());
    expect(rows.at(-1)).toEqual({ key: '000000000011', value: '' });
  });

  it('joins fields', async () => {
    const rows = await rowsOf('{"a":"x","b":7,"c":true}\n', 'ndjson', 'b,a,c');
    expect(rows).toEqual([{ key: '7/x/true', value: '{"a":"x","b":7,"c":true}' }]);
    expect(await rowsOf('id,n\n1,x\n', 'csv', 'id')).toEqual([
      { key: '1', value: '{"id":"1","n":"x"}' },
    ]);
    expect(await rowsOf('id\tn\n1\tx,y\n', 'tsv', 'id')).toEqual([
      { key: '1', value: '{"id":"1","n":"x,y"}' },
    ]);
  });

  it.each<[string, Format, string, string]>([
    ['{"a":1}\n{"b":1}\n', 'ndjson', 'a', 'record 2: there is no field "a"'],
    ['{"a":null}', 'ndjson', 'a', 'record 1: field "a" is null'],
    ['{"a":[1]}', 'ndjson', 'a', 'record 1: field "a" is object'],
    ['{"a":12345678901234567890}', 'ndjson', 'a', 'too large a number'],
    ['[{"a":1e400}]', 'json', 'a', 'too large a number'],
    ['{"a":-1e400}', 'ndjson', 'a', 'too large a number'],
    ['{}', 'ndjson', 'toString', 'there is no field "toString"'],
    ['[1]', 'ndjson', 'length', 'the record has no fields'],
    ['{"a":1}', 'ndjson', 'line', 'not a string'],
    ['{"a":1}\n{oops}\n', 'ndjson', 'a', 'line 2: not valid JSON'],
    ['a,b\n1,2\n3\n', 'csv', 'a', 'Invalid Record Length'],
    ['a,a\n1,2\n', 'csv', 'a', 'two columns are named "a"'],
    ['a,\n1,2\n', 'csv', 'a', 'column 2 has no name'],
    ['a\n"x\n', 'csv', 'a', 'CSV: '],
  ])('refuses %j as %s with key %s', async (input, format, key, message) => {
    await expect(rowsOf(input, format, key)).rejects.toThrow(message);
  });

  it('refuses CSV that is not UTF-8', async () => {
    const latin1 = Buffer.from('a\nä\n', 'latin1');
    await expect(rowsOf(latin1, 'csv', 'a')).rejects.toThrow('not valid UTF-8');
  });

  it('refuses an empty field name', () => {
    expect(() => parseKeyRule('a,,b', '/')).toThrow('empty field name');
  });
});

describe('dumps', () => {
  const bytes = fc.oneof(
    text.map((content) => Buffer.from(content)),
    fc.uint8Array({ maxLength: 8 }).map((content) => Buffer.from(content)),
  );
  const entries = fc.array(fc.tuple(text, bytes, bytes));

  const dumpOf = (rows: readonly [string, Buffer, Buffer][]): string[] => [
    dumpHeader(7),
    ...rows.map(([family, key, value]) => dumpEntry(family, key, value)),
    dumpTrailer(rows.length),
  ];

  it('are read back byte for byte, wherever they are cut', async () => {
    const property = fc.asyncProperty(entries, places, async (rows, cuts) => {
      const dump = `${dumpOf(rows).join('\n')}\n`;
      const read = await rowsOf(dump, 'ndjson', 'index', cuts);
      expect(read).toEqual(rows.map(([family, key, value]) => ({ family, key, value })));
    });
    await fc.assert(property);
  });

  it('are refused when a part is missing', async () => {
    const lines = dumpOf([
      ['f', Buffer.from('a'), Buffer.from('1')],
      ['f', Buffer.from('b'), Buffer.from('2')],
    ]);
    const cut = lines.slice(0, -1).join('\n');
    await expect(rowsOf(cut, 'ndjson', 'index')).rejects.toThrow('the dump is cut off');
    const gap = [lines[0], lines[2], lines[3]].join('\n');
    await expect(rowsOf(gap, 'ndjson', 'index')).rejects.toThrow('1 entries instead of 2');
    const other = (lines[0] ?? '').replace('"version":1', '"version":9');
    await expect(rowsOf(other, 'ndjson', 'index')).rejects.toThrow('a dump of version 9');
  });
});
