/**
 * The original acknowledged entries that were appended while the disk was syncing (bug B1), and
 * hid acknowledged ones behind garbage (B9). Here the power is cut before some operation of the
 * disk, any part of the unsynced writes survives, and what was acknowledged must be found again.
 * The same runs with a bug re-injected must lose something, or this test would prove nothing.
 */
import { describe, expect, it } from 'vitest';
import {
  PROGRESS_TEST_SWITCH,
  RecordKind,
  TEST_SWITCH_APPEND_BEHIND_GARBAGE,
  TEST_SWITCH_OVER_ACKNOWLEDGE,
  createFaultVfs,
  hasFailed,
  scanLog,
} from '@manifold-db/storage';
import { DATABASE_ID, DIRECTORY, Harness, type HarnessOptions } from './harness.js';

const RUNS = 250;
const ACTIONS = 120;

class PowerCut extends Error {}

/** Uniform in [0, 1), from a seed. */
function newRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function appendSomething(harness: Harness, random: () => number): void {
  const payloadBytes = 12 + Math.floor(random() ** 4 * 1900) * 4;
  if (random() < 0.1) {
    harness.append(payloadBytes, RecordKind.FIRST);
    harness.append(payloadBytes, RecordKind.MIDDLE);
    harness.append(payloadBytes, RecordKind.LAST);
  } else {
    harness.append(payloadBytes);
  }
}

/** Runs until the power is cut or the actions are done; a full ring is simply waited out. */
function runUntilCut(harness: Harness, random: () => number): void {
  const cutAt = Math.floor(random() * 90);
  let operations = 0;
  harness.disk.onOperation = () => {
    if (operations++ === cutAt) throw new PowerCut();
  };
  try {
    for (let action = 0; action < ACTIONS && !hasFailed(harness.shared); action++) {
      if (random() < 0.5) appendSomething(harness, random);
      else harness.loop.step();
      if (action % 20 === 19) harness.settle();
    }
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  harness.disk.onOperation = undefined;
}

/** What is wrong after the cut, or `undefined`. */
function problemOf(harness: Harness, random: () => number): string | undefined {
  const disk = harness.disk.crash({ random });
  let next = 1;
  try {
    const options = { databaseId: DATABASE_ID, fromSequence: 0, oldestSegment: 1 };
    scanLog(disk.vfs(), DIRECTORY, options, {
      transaction: (sequence, _opCount, payload) => {
        if (sequence !== next) throw new Error(`${sequence} follows ${next - 1}`);
        if (!payload.every((byte) => byte === sequence % 256)) throw new Error('wrong bytes');
        next++;
      },
    });
  } catch (error) {
    return `recovery refused: ${String(error)}`;
  }
  if (next - 1 < harness.synced) return `${harness.synced} acknowledged, ${next - 1} found`;
  if (next - 1 > harness.appended) return 'more found than appended';
  return undefined;
}

function problems(testSwitch: number, options: HarnessOptions): string[] {
  const found: string[] = [];
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = newRandom(seed);
    const harness = new Harness({ segments: 30, sizes: { walRingBytes: 1 << 18 }, ...options });
    harness.shared.progress[PROGRESS_TEST_SWITCH] = testSwitch;
    runUntilCut(harness, random);
    const problem = problemOf(harness, random);
    if (problem !== undefined) found.push(`seed ${seed}: ${problem}`);
  }
  return found;
}

const FAULTY: HarnessOptions = {
  wrapVfs: (vfs) => {
    return createFaultVfs(vfs, [
      { operation: 'write', errno: 'EIO', afterCalls: 12, times: 1, partialBytes: 100 },
    ]);
  },
};

describe('power cuts', () => {
  it('lose nothing acknowledged', () => {
    expect(problems(0, {})).toEqual([]);
  });

  it('lose nothing acknowledged after a failed write', () => {
    expect(problems(0, FAULTY)).toEqual([]);
  });

  it('would, if the watermark were read after the sync', () => {
    expect(problems(TEST_SWITCH_OVER_ACKNOWLEDGE, {}).length).toBeGreaterThan(0);
  });

  it('would, if a failed write were followed by another behind it', () => {
    const found = problems(TEST_SWITCH_APPEND_BEHIND_GARBAGE, FAULTY);
    expect(found.length).toBeGreaterThan(0);
  });
});
