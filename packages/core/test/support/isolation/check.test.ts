/** The checker finds every kind of anomaly, and nothing in a serial history. */
import { describe, expect, it } from 'vitest';
import { isolationProblems } from './check.js';
import type { TransactionRecord } from './history.js';

type Reads = Record<string, number[]>;

function record(reads: Reads, appends: Record<string, number[]>, isCommitted = true) {
  return {
    kind: 'transaction',
    isCommitted,
    reads: Object.entries(reads).map(([key, list]) => ({ key, list })),
    appends: Object.entries(appends).flatMap(([key, elements]) => {
      return elements.map((element) => ({ key, element }));
    }),
  } satisfies TransactionRecord;
}

const last = (reads: Reads) => record(reads, {});

describe('the isolation checker', () => {
  it('accepts a serial history', () => {
    const history = [
      record({ x: [] }, { x: [1] }),
      record({ x: [1], y: [] }, { y: [2] }),
      record({ y: [2] }, { x: [3], y: [4] }),
      record({ x: [1] }, { x: [9] }, false),
      last({ x: [1, 3], y: [2, 4] }),
    ];
    expect(isolationProblems(history)).toEqual([]);
  });

  it.each([
    [
      /^G0/,
      [record({}, { x: [1], y: [2] }), record({}, { x: [3], y: [4] })],
      { x: [1, 3], y: [4, 2] },
    ],
    [/^G1a/, [record({}, { x: [1] }, false)], { x: [1] }],
    [/^G1b/, [record({}, { x: [1, 2] }), record({ x: [1] }, {})], { x: [1, 2] }],
    [/^G1c/, [record({ y: [2] }, { x: [1] }), record({ x: [1] }, { y: [2] })], { x: [1], y: [2] }],
    // Read before one write of the other, and after another.
    [
      /^G-single/,
      [record({ x: [], y: [2] }, {}), record({}, { x: [1], y: [2] })],
      { x: [1], y: [2] },
    ],
    [/^G2/, [record({ x: [] }, { y: [1] }), record({ y: [] }, { x: [2] })], { x: [2], y: [1] }],
    [/^lost/, [record({}, { x: [1] }), record({}, { x: [2] })], { x: [2] }],
    [
      /^incompatible/,
      [record({}, { x: [1] }), record({}, { x: [2] }), last({ x: [2] })],
      { x: [1, 2] },
    ],
    [/^from nowhere/, [record({ x: [7] }, {})], { x: [7] }],
    [/^from another/, [record({}, { x: [1] }), last({ y: [1] })], { x: [1] }],
  ])('finds %s', (expected, records, end) => {
    const problems = isolationProblems([...records, last(end as Reads)]);
    expect(problems[0]).toMatch(expected);
  });
});
