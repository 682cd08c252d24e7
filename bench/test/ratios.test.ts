import { describe, expect, it } from 'vitest';
import { ratiosOf, type Comparison } from '../src/ratios.js';
import type { Durability } from '../src/report.js';
import { runRounds, selected, type Conditions, type Measured, type Run } from '../src/rounds.js';
import { rowOf, rowsText } from '../src/rows.js';
import { subjectsOf, type Subject } from '../src/subject.js';
import { parseArguments } from '../src/arguments.js';

const FACTS = { version: '1', options: { cache: 1 }, inForce: 'survives' };
const OURS: Subject = { engine: 'manifold', mode: 'buffered', durability: 'immediate' };
const LMDB: Subject = { engine: 'lmdb', mode: 'default', durability: 'immediate' };

interface Given {
  readonly subject: Subject;
  readonly rates: readonly number[];
  readonly conditions?: Conditions;
  readonly kind?: string;
  readonly durability?: Durability;
}

function measuredOf({ subject, rates, conditions = {}, kind, durability }: Given): Measured {
  return {
    subject: { ...subject, durability: durability ?? 'immediate' },
    conditions,
    kind,
    rounds: rates.map((rate, round) => ({
      facts: FACTS,
      figures: { opsPerSecond: rate, p50Us: 1e6 / rate },
      notes: { round },
    })),
  };
}

const RATE: Comparison = { above: 'buffered', below: 'lmdb', figure: 'opsPerSecond' };

describe('ratios', () => {
  const ours = measuredOf({ subject: OURS, rates: [300, 200, 400] });
  const theirs = measuredOf({ subject: LMDB, rates: [100, 200, 160] });

  it('are those of the medians, and of each round', () => {
    expect(ratiosOf([ours, theirs], [RATE])).toEqual([
      {
        what: 'buffered / lmdb',
        durability: 'immediate',
        figure: 'opsPerSecond',
        ratio: 1.875,
        rounds: { min: 1, median: 2.5, max: 3 },
      },
    ]);
  });

  it('are turned round for times, so that more than 1 is a lead', () => {
    const [ratio] = ratiosOf([ours, theirs], [{ ...RATE, figure: 'p50Us', isTime: true }]);
    expect(ratio).toMatchObject({ ratio: 1.875, rounds: { min: 1, max: 3 } });
  });

  it('stand for equal durability and equal conditions only', () => {
    const async = measuredOf({ subject: LMDB, rates: [900], durability: 'async' });
    expect(ratiosOf([ours, async], [RATE])).toEqual([]);
    const deep = measuredOf({ subject: LMDB, rates: [900], conditions: { depth: 16 } });
    expect(ratiosOf([ours, deep], [RATE])).toEqual([]);
  });

  it('tell methods of one engine apart, and can be restricted', () => {
    const all = [1, 16].flatMap((depth) => [
      measuredOf({ subject: OURS, rates: [30], kind: 'get', conditions: { depth } }),
      measuredOf({ subject: LMDB, rates: [10], kind: 'get', conditions: { depth } }),
      measuredOf({ subject: LMDB, rates: [20], kind: 'getBinaryFast', conditions: { depth } }),
    ]);
    const comparisons = ['get', 'getBinaryFast'].map((kind) => {
      return { ...RATE, above: 'buffered get', below: `lmdb ${kind}`, when: { depth: 16 } };
    });
    expect(ratiosOf(all, comparisons)).toMatchObject([
      { what: 'buffered get / lmdb get', depth: 16, ratio: 3 },
      { what: 'buffered get / lmdb getBinaryFast', depth: 16, ratio: 1.5 },
    ]);
  });
});

describe('rows', () => {
  it('are flat: head, conditions, medians with extremes, notes of the middle round', () => {
    const conditions = { workload: 'w' };
    const row = rowOf(measuredOf({ subject: OURS, rates: [300, 200, 400], conditions }));
    expect(row).toEqual({
      ...OURS,
      workload: 'w',
      ...FACTS,
      rounds: 3,
      opsPerSecond: 300,
      opsPerSecondMin: 200,
      opsPerSecondMax: 400,
      p50Us: 3333.3,
      p50UsMin: 2500,
      p50UsMax: 5000,
      round: 0,
    });
  });

  it('are a table for people', () => {
    const text = rowsText([measuredOf({ subject: OURS, rates: [300], conditions: { depth: 7 } })]);
    expect(text.split('\n')[0]).toMatch(/^engine +mode +durability +depth +opsPerSecond /);
    expect(text).toMatch(/manifold +buffered +immediate +7 +300 /);
  });
});

describe('rounds', () => {
  it('let everything take turns, and throw the warm-up away', async () => {
    const order: string[] = [];
    const runOf = (subject: Subject): Run => ({
      subject,
      label: subject.engine,
      execute: async (round) => {
        order.push(`${subject.engine} ${round}`);
        return [{ conditions: {}, measures: { facts: FACTS, figures: { opsPerSecond: round } } }];
      },
    });
    const all = await runRounds([runOf(OURS), runOf(LMDB)], 2, 1);
    const turns = [0, 1, 2].flatMap((round) => [`manifold ${round}`, `lmdb ${round}`]);
    expect(order).toEqual(turns);
    expect(all.map(({ rounds }) => rounds.map(({ figures }) => figures['opsPerSecond']))).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(selected([runOf(OURS), runOf(LMDB)], ['lm', 'db'])).toHaveLength(1);
  });

  it('are for the engines that were named and are there', () => {
    const settings = parseArguments(['seed', '--engine', 'manifold,rocksdb'])!;
    const subjects = subjectsOf(settings, ['manifold', 'lmdb', 'rocksdb'], 'async');
    expect(subjects.map(({ engine, mode }) => [engine, mode])).toEqual([
      ['manifold', 'buffered'],
      ['rocksdb', 'default'],
    ]);
  });
});
