import { describe, expect, it } from 'vitest';
import { idealRate, modelCosts } from '../src/ladder/ideal.js';
import { pipelineRate, sequentialRate, type PipelineCosts } from '../src/ladder/pipeline-model.js';

const COSTS: PipelineCosts = { mainUs: 300, groupUs: 600, writeUs: 50, applyUs: 40 };
const US_PER_SECOND = 1e6;
/** The simulation counts whole groups, so its rate is exact up to one of them. */
const DIGITS = 0;

function cost(rate: number): number {
  return US_PER_SECOND / rate;
}

describe('the model of the pipeline', () => {
  it('is the main thread alone when a sync costs nothing', () => {
    const rate = pipelineRate({ mainUs: 100, groupUs: 0, writeUs: 0, applyUs: 0 }, 8);
    expect(cost(rate)).toBeCloseTo(100, DIGITS);
  });

  it('is the sum of the stages on the way with one commit in flight', () => {
    const rate = pipelineRate({ mainUs: 100, groupUs: 500, writeUs: 50, applyUs: 40 }, 1);
    expect(cost(rate)).toBeCloseTo(650, DIGITS);
  });

  it('shares a slow sync among two groups that alternate', () => {
    // Two groups of four: while one is synced, the other is built and then waits for the log.
    const rate = pipelineRate({ mainUs: 1, groupUs: 10_000, writeUs: 0, applyUs: 0 }, 8);
    expect(cost(rate)).toBeGreaterThan(10_000 / 8);
    expect(cost(rate)).toBeLessThan(10_100 / 4);
  });

  it('is never faster than its slowest stage', () => {
    expect(cost(pipelineRate({ ...COSTS, mainUs: 5000 }, 8))).toBeCloseTo(5000, DIGITS);
    expect(cost(pipelineRate({ ...COSTS, applyUs: 5000 }, 8))).toBeCloseTo(5000, DIGITS);
    expect(cost(pipelineRate({ ...COSTS, writeUs: 5000 }, 8))).toBeGreaterThan(5000);
    expect(cost(pipelineRate({ ...COSTS, writeUs: 5000 }, 8))).toBeLessThan(5000 + 600);
  });

  it.each(['mainUs', 'groupUs', 'writeUs', 'applyUs'] as const)(
    'does not get faster when %s grows',
    (name) => {
      let last = Infinity;
      for (const factor of [0, 0.5, 1, 2, 4, 8, 16]) {
        const rate = pipelineRate({ ...COSTS, [name]: COSTS[name] * factor }, 8);
        expect(rate).toBeLessThanOrEqual(last * 1.001);
        last = rate;
      }
    },
  );

  it('does not get slower with more commits in flight', () => {
    let last = 0;
    for (const inFlight of [1, 2, 4, 8, 16, 32]) {
      const rate = pipelineRate(COSTS, inFlight);
      expect(rate).toBeGreaterThanOrEqual(last * 0.999);
      last = rate;
    }
    expect(cost(last)).toBeCloseTo(COSTS.mainUs, DIGITS);
  });

  it('beats one commit at a time, which is the sum of all stages', () => {
    expect(cost(sequentialRate(COSTS))).toBeCloseTo(990, DIGITS);
    expect(pipelineRate(COSTS, 8)).toBeGreaterThan(sequentialRate(COSTS));
  });
});

describe('the ideal of a run', () => {
  const measured = {
    commits: 400,
    syncs: 110,
    checkpoints: 0,
    buildUs: 250,
    appendUs: 50,
    writeUs: 40,
    syncUs: 760,
    applyUs: 20,
    commitsPerGroup: 4,
  };

  it('takes the writing out of the time of a group', () => {
    expect(modelCosts('pipelined', measured)).toEqual({
      mainUs: 300,
      groupUs: 600,
      writeUs: 40,
      applyUs: 20,
    });
  });

  it('counts the apply where it runs', () => {
    expect(modelCosts('async-wal', measured)).toMatchObject({ mainUs: 320, applyUs: 0 });
  });

  it('is the reciprocal of the sum in mode sequential', () => {
    const alone = { ...measured, commitsPerGroup: 1, syncUs: 640 };
    expect(cost(idealRate('sequential', alone, 8))).toBeCloseTo(300 + 640 + 20, DIGITS);
  });
});
