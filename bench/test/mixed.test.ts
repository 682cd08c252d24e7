import { describe, expect, it } from 'vitest';
import type { Store } from '../src/engines/store.js';
import { Clients } from '../src/mixed/clients.js';
import { YCSB, YCSB_NAMES, operationAt } from '../src/mixed/workloads.js';
import { Zipfian } from '../src/mixed/zipfian.js';
import { Random } from '../src/random.js';
import { Records } from '../src/records.js';

const SHARES = 2 ** 20;

describe('zipfian numbers', () => {
  it('follow the law they are named after, within the sampling error', () => {
    const items = 1000;
    const zipfian = new Zipfian(items);
    const random = new Random(3);
    const draws = 200_000;
    const counts = new Uint32Array(items);
    for (let i = 0; i < draws; i++) counts[zipfian.at(random.below(SHARES) / SHARES)]!++;
    const harmonic = Array.from({ length: items }, (_, i) => (i + 1) ** -0.99).reduce(
      (sum, share) => sum + share,
      0,
    );
    // The first two are exact, the others an approximation of a continuous curve.
    expect(counts[0]! / draws).toBeCloseTo(1 / harmonic, 2);
    expect(counts[1]! / draws).toBeCloseTo(2 ** -0.99 / harmonic, 2);
    const half = counts.subarray(0, items / 2).reduce((sum, count) => sum + count, 0);
    expect(half / draws).toBeGreaterThan(0.85);
    expect(Math.max(...counts)).toBe(counts[0]);
  });

  it('stay in their range at both ends', () => {
    const zipfian = new Zipfian(10);
    expect(zipfian.at(0)).toBe(0);
    expect(zipfian.at(1 - 1 / SHARES)).toBeLessThan(10);
  });
});

describe('the workloads', () => {
  it('have shares that add up, in the order of their names', () => {
    for (const name of YCSB_NAMES) {
      const sum = Object.values(YCSB[name].shares).reduce((total, share) => total + share, 0);
      expect(sum).toBeCloseTo(1);
    }
    expect([0, 0.49, 0.5, 0.99].map((share) => operationAt(YCSB.A, share))).toEqual([
      'read',
      'read',
      'update',
      'update',
    ]);
    expect(operationAt(YCSB.E, 0.96)).toBe('insert');
  });

  it('read what is there only, also what was inserted last', async () => {
    const records = new Records(50);
    const content = new Map<string, Buffer>();
    for (let i = 0; i < records.count; i++) {
      content.set(records.key(i).toString(), records.value(i));
    }
    const store = {
      get: (key: Buffer) => content.get(key.toString()),
      put: async (key: Buffer, value: Buffer) => {
        await new Promise((resolve) => setImmediate(resolve));
        content.set(key.toString(), value);
      },
      scan: () => 1,
    } as unknown as Store;
    const clients = new Clients(store, records);
    for (const name of YCSB_NAMES) {
      const { latenciesUs, bytesSum } = await clients.run(YCSB[name], 4, 1);
      expect(latenciesUs.length).toBeGreaterThanOrEqual(4);
      expect(bytesSum).toBeGreaterThan(0);
    }
    expect(content.size).toBeGreaterThanOrEqual(records.count);
  });
});
