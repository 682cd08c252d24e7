import { describe, expect, it } from 'vitest';
import { median, percentile, rounded, sortedCopy, spreadOf } from '../src/figures.js';
import { Random, shuffled } from '../src/random.js';
import { RecordPuts, Records } from '../src/records.js';
import { formatCell, formatTable } from '../src/table.js';

describe('figures', () => {
  it('gives percentiles that were measured', () => {
    const sorted = sortedCopy([4, 1, 3, 2]);
    expect([0, 0.25, 0.5, 0.99, 1].map((share) => percentile(sorted, share))).toEqual([
      1, 1, 2, 4, 4,
    ]);
    expect(percentile([], 0.5)).toBeNaN();
    expect(median([9, 1, 5])).toBe(5);
    expect(spreadOf([9, 1, 5])).toEqual({ min: 1, median: 5, max: 9 });
  });

  it('rounds to digits that mean something', () => {
    expect(rounded(123456.789)).toBe(123460);
    expect(rounded(Infinity)).toBe(Infinity);
  });
});

describe('data', () => {
  it('is the same in every run', () => {
    expect(new Random(1).bytes(8)).toEqual(new Random(1).bytes(8));
    expect(new Random(1).bytes(8)).not.toEqual(new Random(2).bytes(8));
    const order = shuffled(100, 1);
    expect([...order].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect([...order]).not.toEqual([...order].toSorted((a, b) => a - b));
  });

  it('puts every record once, in the order given', () => {
    const records = new Records(5);
    const order = Uint32Array.from([3, 0, 4, 1, 2]);
    const put: string[] = [];
    for (let first = 0; first < order.length; first += 2) {
      const puts = new RecordPuts(records, order, first, 2);
      for (let i = 0; i < puts.ops; i++) {
        put.push(puts.nextKey().toString());
        expect(puts.value()).toBe(records.value(order[first + i]!));
      }
    }
    expect(put).toEqual([...order].map((index) => records.key(index).toString()));
  });

  it('looks for keys that are there, and for keys that are not', () => {
    const records = new Records(100);
    const present = new Set(Array.from({ length: 100 }, (_, i) => records.key(i).toString()));
    expect(present.size).toBe(100);
    expect([...present].toSorted()).toEqual([...present]);
    for (const key of records.sample(100, 1, true)) {
      expect(key).toHaveLength(14);
      expect(present.has(key.toString())).toBe(true);
    }
    for (const key of records.sample(100, 1, false)) {
      expect(key).toHaveLength(14);
      expect(present.has(key.toString())).toBe(false);
    }
  });
});

describe('tables', () => {
  it('aligns text to the left and figures to the right', () => {
    const rows = [
      { name: 'a', count: 1234567 },
      { name: 'longer', count: null },
    ];
    const text = formatTable(
      [
        ['name', (row) => row.name],
        ['count', (row) => row.count],
      ],
      rows,
    );
    expect(text.split('\n')).toEqual([
      'name        count',
      '------  ---------',
      'a       1,234,567',
      'longer          -',
      '',
    ]);
  });

  it('shows few digits', () => {
    expect([1.23456, 123.456, 0, undefined, Number.NaN].map(formatCell)).toEqual([
      '1.23',
      '123',
      '0',
      '-',
      '-',
    ]);
  });
});
