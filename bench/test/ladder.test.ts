import { describe, expect, it } from 'vitest';
import { parseArguments } from '../src/arguments.js';
import { batchesPerFamily, planRound } from '../src/ladder/plan.js';
import { ladderText, ratiosOf, rowOf, type Measured } from '../src/ladder/report.js';
import { FAMILIES, type RunMeasures, type RunParameters } from '../src/ladder/run.js';
import { costsBetween } from '../src/ladder/stage-costs.js';
import { Batch, SeedWorkload, type Target } from '../src/ladder/workload.js';

const REQUIRED_FIELDS = [
  'engine',
  'version',
  'options',
  'inForce',
  'workload',
  'mode',
  'durability',
  'addedSyncLatencyUs',
  'batchOps',
  'inFlight',
  'opsPerSecond',
  'commitsPerSecond',
  'syncs',
  'p50Us',
  'p99Us',
  'buildUs',
  'appendUs',
  'syncUs',
  'applyUs',
  'idealOpsPerSecond',
  'efficiency',
  'peakRssBytes',
  'eventLoopDelayP99Ms',
  'eventLoopDelayMaxMs',
];

function plan(...args: string[]): RunParameters[] {
  return planRound(parseArguments(['ladder', ...args])!);
}

const COSTS = {
  commits: 400,
  syncs: 101,
  checkpoints: 1,
  buildUs: 200,
  appendUs: 50,
  writeUs: 30,
  syncUs: 220,
  applyUs: 10,
  commitsPerGroup: 4,
};

function measuresOf(elapsedMs: number, withCosts: boolean): RunMeasures {
  return {
    facts: { version: '1', options: {}, inForce: 'survives' },
    elapsedMs,
    commits: 400,
    p50Us: 900,
    p99Us: 2000,
    p999Us: 3000,
    maxUs: 4000,
    costs: withCosts ? COSTS : undefined,
    mainRanMs: 100,
    mainWaitedMs: undefined,
    peakRssBytes: 100e6,
    eventLoopDelayP99Ms: 1 + elapsedMs / 100,
    eventLoopDelayMaxMs: 2 + elapsedMs / 100,
  };
}

function measuredOf(parameters: RunParameters, elapsedMs: readonly number[]): Measured {
  const withCosts = parameters.engine === 'manifold';
  return { parameters, rounds: elapsedMs.map((ms) => measuresOf(ms, withCosts)) };
}

describe('the plan of the ladder', () => {
  it('is the seed at batches of 1000, and no run is shorter', () => {
    expect(batchesPerFamily(1000, 0)).toBe(50);
    expect(batchesPerFamily(1000, 4000)).toBe(50);
    for (const batchOps of [100, 10, 1]) {
      expect(batchesPerFamily(batchOps, 0)).toBeGreaterThan(50);
      expect(batchesPerFamily(batchOps, 4000)).toBeGreaterThan(50);
    }
  });

  it('has every mode at every size and latency, and lmdb-js where nothing is added', () => {
    const rows = plan();
    expect(rows.filter((row) => row.engine === 'manifold')).toHaveLength(4 * 3 * 4);
    const lmdb = rows.filter((row) => row.engine === 'lmdb');
    expect(lmdb.map((row) => row.addedSyncLatencyUs)).toEqual(Array(8).fill(0));
    expect(new Set(lmdb.map((row) => row.batchOps))).toEqual(new Set([1000, 100, 10, 1]));
  });

  it('gives all rows that are compared the same work', () => {
    for (const row of plan()) {
      expect(row.batchesPerFamily).toBe(batchesPerFamily(row.batchOps, row.addedSyncLatencyUs));
    }
  });

  it('can be restricted', () => {
    const rows = plan('--batch', '1000', '--added', '500', '--mode', 'pipelined');
    expect(rows.map(({ mode, engine }) => [engine, mode])).toEqual([['manifold', 'pipelined']]);
    expect(plan('--engine', 'lmdb').every((row) => row.engine === 'lmdb')).toBe(true);
  });
});

describe('the workload', () => {
  it('keeps one batch per family under way, with ascending keys', async () => {
    const keys: string[][] = Array.from({ length: FAMILIES }, () => []);
    const underWay = new Set<number>();
    let most = 0;
    const target: Target = {
      commit: async (family, batch) => {
        expect(underWay.has(family)).toBe(false);
        underWay.add(family);
        most = Math.max(most, underWay.size);
        for (let i = 0; i < batch.ops; i++) {
          keys[family]!.push(batch.nextKey().toString('hex'));
          expect(batch.value()).toHaveLength(150);
        }
        await new Promise((resolve) => setImmediate(resolve));
        underWay.delete(family);
      },
      settle: async () => {},
    };
    const latenciesUs = await new SeedWorkload(target, 3).run(4);
    expect(most).toBe(FAMILIES);
    expect(latenciesUs).toHaveLength(FAMILIES * 4);
    for (const ofFamily of keys) {
      expect(ofFamily).toHaveLength(12);
      expect(ofFamily[0]).toBe('0000000000000000');
      expect(ofFamily).toEqual(ofFamily.toSorted());
      expect(new Set(ofFamily).size).toBe(12);
    }
  });

  it('scatters keys without losing one', () => {
    const batch = new Batch(5000, [Buffer.alloc(1)], 'random');
    const keys = Array.from({ length: batch.ops }, () => batch.nextKey().toString('hex'));
    expect(new Set(keys).size).toBe(batch.ops);
    expect(keys).not.toEqual(keys.toSorted());
    expect(keys[0]).toHaveLength(16);
  });

  it('hands out every value and starts again', () => {
    const values = Array.from({ length: 256 }, (_, i) => Buffer.from([i]));
    const batch = new Batch(256, values);
    const seen = new Set<number>();
    for (let i = 0; i < batch.ops; i++) {
      batch.nextKey();
      seen.add(batch.value()[0]!);
    }
    expect(seen.size).toBe(256);
  });
});

describe('the costs of the stages', () => {
  it('are differences over the measured part', () => {
    const before = {
      commits: 10,
      buildNs: 1e6,
      appendNs: 1e5,
      writeNs: 1e5,
      syncNs: 1e6,
      syncs: 5,
      groups: 4,
      applyNs: 1e4,
      applyCommits: 8,
      checkpoints: 0,
    };
    const after = {
      commits: 110,
      buildNs: 21e6,
      appendNs: 3.1e6,
      writeNs: 2.1e6,
      syncNs: 6e6,
      syncs: 32,
      groups: 29,
      applyNs: 5.1e5,
      applyCommits: 108,
      checkpoints: 1,
    };
    expect(costsBetween(before, after)).toEqual({
      commits: 100,
      syncs: 27,
      checkpoints: 1,
      buildUs: 200,
      appendUs: 30,
      writeUs: 20,
      syncUs: 280,
      applyUs: 5,
      commitsPerGroup: 4,
    });
  });

  it('are nothing when nothing happened', () => {
    const totals = {
      commits: 1,
      buildNs: 1,
      appendNs: 1,
      writeNs: 1,
      syncNs: 1,
      syncs: 1,
      groups: 1,
      applyNs: 1,
      applyCommits: 1,
      checkpoints: 1,
    };
    expect(costsBetween(totals, totals)).toMatchObject({ buildUs: 0, syncUs: 0, applyUs: 0 });
  });
});

describe('the report', () => {
  const rows = plan('--batch', '1000', '--added', '0');
  const times = {
    sequential: [400, 420, 380],
    'async-wal': [200, 210, 190],
    pipelined: [120],
    buffered: [100, 90, 110],
  };
  const measured = rows.map((row) => {
    const elapsedMs = row.mode === 'default' ? [300, 330, 360] : times[row.mode];
    return measuredOf(row, elapsedMs.length === 1 ? [130, 110, 120] : elapsedMs);
  });

  it('has every field that was agreed on, numbers where they can be measured', () => {
    for (const row of measured.map(rowOf)) {
      for (const field of REQUIRED_FIELDS) expect(row).toHaveProperty(field);
      expect(row.workload).toBe('seed');
      expect(row.inFlight).toBe(8);
      expect(row.efficiency === null).toBe(row.engine === 'lmdb');
    }
  });

  it('shows the round in the middle, and how far the others are', () => {
    const row = measured.map(rowOf).find(({ mode }) => mode === 'pipelined')!;
    expect(row.opsPerSecond).toBeCloseTo(400_000 / 0.12, -3);
    expect(row.opsPerSecondMin).toBeCloseTo(400_000 / 0.13, -3);
    expect(row.opsPerSecondMax).toBeCloseTo(400_000 / 0.11, -3);
    expect(row.efficiency).toBeCloseTo(row.opsPerSecond / row.idealOpsPerSecond!, 3);
    expect(row.eventLoopDelayMaxMsWorst).toBeCloseTo(3.3);
    expect(row.mainCpuUs).toBe(250);
    expect(row.mainWaitedShare).toBeNull();
  });

  it('compares rows of one size and one disk, round by round too', () => {
    const ratios = ratiosOf(measured);
    const pipelined = ratios.find(({ what }) => what === 'pipelined / sequential')!;
    expect(pipelined.ratio).toBeCloseTo(400 / 120, 3);
    expect(pipelined.rounds.min).toBeCloseTo(400 / 130, 3);
    expect(pipelined.rounds.max).toBeCloseTo(420 / 110, 3);
    expect(ratios.map(({ what }) => what)).toContain('pipelined / lmdb');
  });

  it('has the topmost rung beside the lowest one, and beside the peer', () => {
    const ratios = ratiosOf(measured);
    const buffered = ratios.find(({ what }) => what === 'buffered / sequential')!;
    expect(buffered.ratio).toBeCloseTo(4, 3);
    expect(buffered.rounds.max).toBeCloseTo(420 / 90, 3);
    expect(ratios.map(({ what }) => what)).toContain('buffered / lmdb');
  });

  it('does not compare what was measured on different disks', () => {
    const other = measured.map(({ parameters, rounds }) => ({
      parameters: { ...parameters, addedSyncLatencyUs: parameters.mode === 'sequential' ? 500 : 0 },
      rounds,
    }));
    expect(ratiosOf(other).map(({ what }) => what)).not.toContain('pipelined / sequential');
  });

  it('is a table for people', () => {
    const text = ladderText(measured.map(rowOf), ratiosOf(measured));
    expect(text.split('\n')[0]).toMatch(/^engine +mode +durability/);
    expect(text).toMatch(/pipelined \/ lmdb/);
  });
});
