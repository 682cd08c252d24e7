/** The worker's thread as core starts it, on real files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FAILURE_WORKER,
  PROGRESS_READY,
  PROGRESS_SHUTDOWN,
  REASON_ANY,
  REASON_SYNCED,
  SHUTDOWN_DRAIN,
  SHUTDOWN_NOW,
  THREAD_APPLY,
  ringAllBells,
  ringBell,
} from '@manifold-db/storage';
import { BufferedMain } from './buffered.js';
import { Harness, SIZES, entries } from './harness.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'manifold-apply-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function startWorkers(harness: Harness): Worker[] {
  return harness.inits.map((init) => {
    const url = new URL(import.meta.resolve('@manifold-db/apply-worker/worker'));
    return new Worker(url, { workerData: init, trackUnmanagedFds: false });
  });
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

function ended(workers: readonly Worker[]): Promise<number[]> {
  return Promise.all(
    workers.map((worker) => {
      return new Promise<number>((resolve) => {
        worker.once('exit', resolve);
      });
    }),
  );
}

function sync(harness: Harness): void {
  harness.sync();
  for (const { workerIndex } of harness.inits) {
    ringBell(harness.shared.bells, THREAD_APPLY + workerIndex, REASON_SYNCED);
  }
}

describe('apply workers on threads', () => {
  it.each([1, 3])('%i of them apply, take checkpoints and stop', async (applyWorkers) => {
    const sizes = { ...SIZES, applyWorkers };
    const harness = new Harness({
      realDirectory: directory,
      sizes,
      init: { checkpointIntervalMs: 5 },
    });
    for (let slot = 0; slot < 4; slot++) harness.createFamily(slot, slot + 1, `family ${slot}`);
    const workers = startWorkers(harness);
    const exits = ended(workers);
    const isReady = () => Atomics.load(harness.shared.progress, PROGRESS_READY) === applyWorkers;
    await waitFor(isReady);
    for (let i = 1; i <= 60; i++) {
      harness.commit({
        [i % 4]: entries(`k${i % 7}`, 50, 60 + (i % 9)),
        [(i + 1) % 4]: { last: `v${i}` },
      });
      if (i % 3 === 0 || i % 20 === 0) sync(harness);
      if (i % 20 === 0) {
        await waitFor(() => harness.applied === i || harness.failure !== undefined);
        const { sequence, content } = harness.publishedContent();
        expect(sequence).toBe(i);
        expect(content).toEqual(harness.history.get(i));
      }
    }
    sync(harness);
    Atomics.store(harness.shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN);
    ringAllBells(harness.shared.bells, REASON_ANY);
    expect(await exits).toEqual(workers.map(() => 0));
    expect(harness.failure).toBeUndefined();
    expect(harness.checkpointed).toBe(60);
    harness.close();
    const reopened = new Harness({ realDirectory: directory, sizes });
    expect(reopened.checkpoint.meta.sequence).toBe(60);
    expect(reopened.admittedContent()).toEqual(harness.history.get(60));
    reopened.close();
  });

  it.each([1, 3])('%i of them merge sealed generations beside the main thread', async (count) => {
    const options = { realDirectory: directory, sizes: { ...SIZES, applyWorkers: count } };
    const sizes = { ...options.sizes, writeBufferBytes: 128 * 1024, writeBufferCount: 3 };
    const main = new BufferedMain({ ...options, sizes, init: { checkpointIntervalMs: 5 } });
    const { harness } = main;
    const workers = startWorkers(harness);
    const exits = ended(workers);
    await waitFor(() => Atomics.load(harness.shared.progress, PROGRESS_READY) === count);
    const families = [main.newFamily(), main.newFamily(), main.newFamily()];
    main.commit(families.map((family) => ({ kind: 'create', family })));
    for (let i = 1; i <= 60; i++) {
      const family = families[i % 3]!;
      const changed = Object.entries(entries(`k${i % 7}`, 30, 60 + (i % 9)));
      main.commit(changed.map(([key, value]) => ({ kind: 'put', family, key, value })));
      if (i % 6 !== 0) continue;
      const snapshot = main.takeSnapshot();
      main.commit([{ kind: 'clear', family, low: 'k3' }]);
      const sealed = main.seal();
      sync(harness);
      await waitFor(() => {
        main.follow();
        return main.view === sealed || harness.failure !== undefined;
      });
      expect(main.published()).toEqual({ sequence: sealed, content: main.contentAt(sealed) });
      expect(main.closeSnapshot(snapshot)).toEqual(snapshot.content);
    }
    Atomics.store(harness.shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN);
    ringAllBells(harness.shared.bells, REASON_ANY);
    expect(await exits).toEqual(workers.map(() => 0));
    expect(harness.failure).toBeUndefined();
    expect(harness.checkpointed).toBe(main.appended);
    harness.close();
    const reopened = new BufferedMain({ ...options, sizes });
    expect(reopened.newest).toEqual(main.newest);
    reopened.harness.close();
  });

  it('poison the database when one throws', async () => {
    const harness = new Harness({ realDirectory: directory });
    const [worker] = startWorkers(harness);
    const exits = ended([worker!]);
    const error = new Promise<Error>((resolve) => {
      worker!.once('error', resolve);
    });
    await waitFor(() => Atomics.load(harness.shared.progress, PROGRESS_READY) === 1);
    // A page that is allocated twice: an invariant is broken, nobody may go on.
    const sequence = harness.appended + 1;
    harness.pushBroken(sequence);
    sync(harness);
    expect((await error).message).toContain('broken invariant');
    await exits;
    expect(harness.failure?.code).toBe(FAILURE_WORKER);
    harness.close();
  });

  it('stop at once when they are told to, in the middle of anything', async () => {
    const harness = new Harness({ realDirectory: directory, sizes: { applyWorkers: 2 } });
    const workers = startWorkers(harness);
    const exits = ended(workers);
    await waitFor(() => Atomics.load(harness.shared.progress, PROGRESS_READY) === 2);
    // A commit that was never synced waits in them.
    harness.pushBroken(1);
    Atomics.store(harness.shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_NOW);
    ringAllBells(harness.shared.bells, REASON_ANY);
    expect(await exits).toEqual([0, 0]);
    harness.close();
  });
});
