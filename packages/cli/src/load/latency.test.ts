import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './latency.js';

describe('LatencyHistogram', () => {
  it('knows percentiles to within two percent', () => {
    const latencies = fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: 1 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(latencies, share, (all, wanted) => {
        const histogram = new LatencyHistogram();
        for (const latency of all) histogram.add(latency);
        const rank = Math.max(1, Math.ceil(wanted * all.length));
        const exact = all.toSorted((a, b) => a - b)[rank - 1] as number;
        const found = histogram.percentileUs(wanted);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.02 + 1);
      }),
    );
  });

  it('holds the extremes', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.percentileUs(0.5)).toBe(0);
    for (const latency of [0, -1, 1e15]) histogram.add(latency);
    expect(histogram.total).toBe(3);
    expect(histogram.percentileUs(0.5)).toBe(1);
  });
});
