/** Draining, groups and published root sets, with one worker and with several. */
import { describe, expect, it } from 'vitest';
import {
  PROGRESS_APPLIED,
  QUEUE_POPPED,
  ROOTS_ADMITTED,
  SHUTDOWN_DRAIN,
  PROGRESS_SHUTDOWN,
  publishRootSet,
  storeWide,
} from '@manifold-db/storage';
import { Harness, entries, withoutEmpty } from './harness.js';

function withFamilies(harness: Harness): Harness {
  for (let slot = 0; slot < 4; slot++) harness.createFamily(slot, slot + 1, `family ${slot}`);
  return harness;
}

describe.each([1, 2, 4])('apply groups of %i workers', (applyWorkers) => {
  it('publish synced commits only, all families at one sequence', () => {
    const harness = withFamilies(new Harness({ sizes: { applyWorkers } }));
    for (let i = 1; i <= 10; i++) {
      harness.commit({ [i % 4]: { [`k${i}`]: `v${i}` }, [(i + 1) % 4]: { both: `v${i}` } });
    }
    harness.runUntilIdle();
    expect(harness.applied).toBe(0);
    for (const synced of [1, 4, 5, 10]) {
      harness.sync(synced);
      harness.runUntilIdle();
      expect(harness.applied).toBe(synced);
      const { sequence, content } = harness.publishedContent();
      expect(sequence).toBe(synced);
      for (const [slot, family] of Object.entries(content)) {
        expect(family).toEqual(harness.history.get(synced)![Number(slot)] ?? {});
      }
    }
    expect(harness.shared.queueControl[QUEUE_POPPED]).toBe(10);
    expect(harness.producer.commitsInside()).toBe(0);
  });

  it('do not publish before the slowest worker is there', () => {
    const harness = withFamilies(new Harness({ sizes: { applyWorkers } }));
    harness.commit({ 0: { a: '1' }, 1: { a: '1' }, 2: { a: '1' }, 3: { a: '1' } });
    harness.sync();
    for (let round = 0; round < 5; round++) harness.loops[0]!.step();
    expect(harness.applied).toBe(applyWorkers === 1 ? 1 : 0);
    for (const peer of harness.loops.slice(1, -1)) peer.step();
    for (let round = 0; round < 5; round++) harness.loops[0]!.step();
    expect(harness.applied).toBe(applyWorkers === 1 ? 1 : 0);
    harness.runUntilIdle();
    expect(harness.applied).toBe(1);
    expect(harness.publishedContent().content).toEqual(harness.history.get(1));
  });

  it('stop after a last checkpoint when the database is closed', () => {
    const harness = withFamilies(new Harness({ sizes: { applyWorkers } }));
    harness.commit({ 0: { a: '1' } });
    harness.commit({ 3: { b: '2' } });
    Atomics.store(harness.shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN);
    harness.runUntilIdle();
    expect(harness.loops.map((loop) => loop.step())).not.toContain('stopped');
    harness.sync();
    // Worker 0 alone comes to rest: the others are still behind.
    if (applyWorkers > 1) {
      for (let round = 0; round < 5; round++) expect(harness.loops[0]!.step()).not.toBe('stopped');
    }
    harness.runUntilIdle();
    expect(harness.loops.map((loop) => loop.step())).toEqual(harness.loops.map(() => 'stopped'));
    expect(harness.checkpointed).toBe(2);
    expect(harness.failure).toBeUndefined();
  });
});

it('a database that is closed in the middle of an idle step gets its last checkpoint', () => {
  const harness = withFamilies(new Harness({ init: { checkpointIntervalMs: 1e6 } }));
  harness.commit({ 0: { a: '1' } });
  harness.sync();
  harness.runUntilIdle();
  expect(harness.checkpointed).toBe(0);
  const { progress } = harness.shared;
  // The step asks for the time when it looks whether a checkpoint is due.
  Object.defineProperty(harness, 'nowMs', {
    get: () => {
      Atomics.store(progress, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN);
      return 0;
    },
  });
  const loop = harness.loops[0]!;
  expect(loop.step()).not.toBe('stopped');
  expect(Atomics.load(progress, PROGRESS_SHUTDOWN)).toBe(SHUTDOWN_DRAIN);
  harness.runUntilIdle();
  expect(loop.step()).toBe('stopped');
  expect(harness.checkpointed).toBe(1);
});

describe('queue and intake', () => {
  it('take in a commit larger than the queue before it is synced', () => {
    const harness = withFamilies(new Harness({ sizes: { cacheBytes: 16 * 1024 * 1024 } }));
    const sequence = harness.commit({ 0: entries('k', 3000, 200) });
    harness.runUntilIdle();
    // Pushed and taken in, so that it takes no room any more, but not applied.
    expect(harness.producer.hasRoom(50_000)).toBe(true);
    expect(harness.producer.commitsInside()).toBe(1);
    harness.sync(sequence);
    harness.runUntilIdle();
    expect(harness.publishedContent().content).toEqual(harness.history.get(sequence));
  });
});

describe('a main thread that publishes itself', () => {
  it('keeps APPLIED, while the workers stage and count pages', () => {
    const harness = withFamilies(new Harness({ applier: 'main' }));
    for (let i = 0; i < 5; i++) harness.commit({ 0: { key: `v${i}` } });
    harness.sync(3);
    harness.runUntilIdle();
    expect(harness.applied).toBe(0);
    expect(harness.producer.commitsInside()).toBe(2);
    // Asynchronous: the root set may be ahead of what is synced, the checkpoint may not.
    publishRootSet(harness.shared, ROOTS_ADMITTED, 5, harness.pager.birthMark());
    storeWide(harness.shared.progress, PROGRESS_APPLIED, 5);
    harness.takeCheckpoint();
    expect(harness.checkpointed).toBe(3);
    const { sequence, content } = harness.publishedContent();
    expect(sequence).toBe(5);
    expect(withoutEmpty(content)).toEqual({ 0: { key: 'v4' } });
    const reopened = new Harness({ disk: harness.disk });
    expect(withoutEmpty(reopened.admittedContent())).toEqual({ 0: { key: 'v2' } });
  });
});
