/**
 * The trace of stage times: every commit passes the four stages, on the thread that the mode says,
 * and what causes what stands in that order on the one clock.
 */
import type { CommitMode } from '@manifold-db/core';
import { createTraceRegion, readTrace, type TraceSpan } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { openSmallWith } from './support/api-database.js';
import { MODES } from './support/modes.js';

const COMMITS = 60;
const APPLIED_BY_MAIN = new Set<CommitMode>(['sequential', 'async-wal']);

/** The spans that were for commits, checked to cover each of the sequences once, in order. */
function covering(spans: readonly TraceSpan[], name: TraceSpan['span'], sequences: number[]) {
  const found = spans.filter(({ span, first, last }) => span === name && last >= first);
  let next = sequences[0]!;
  for (const { first, last } of found) {
    expect(first, name).toBe(next);
    next = last + 1;
  }
  expect(next, name).toBe(sequences.at(-1)! + 1);
  return (sequence: number) => found.find(({ last }) => sequence <= last)!;
}

describe.each(MODES)('the trace of mode %s', (mode) => {
  it('has every stage of every commit', async () => {
    const trace = createTraceRegion(1000);
    const db = await openSmallWith({ trace }, { mode });
    const writes = Array.from({ length: COMMITS }, (_, i) => db.put(`key ${i}`, 'value'));
    const sequences = (await Promise.all(writes)).map(({ sequence }) => sequence);
    await db.waitForApply();
    await db.close();
    const spans = readTrace(trace);
    for (const { startUs, endUs } of spans) expect(endUs).toBeGreaterThanOrEqual(startUs);
    const stages = ['build', 'append', 'write', 'sync', 'apply'] as const;
    const [build, append, write, sync, apply] = stages.map((name) => {
      return covering(spans, name, sequences);
    });
    for (const sequence of sequences) {
      const [built, appended, written] = [build!, append!, write!].map((of) => of(sequence));
      const [synced, applied] = [sync!, apply!].map((of) => of(sequence));
      expect([built!.first, built!.last]).toEqual([sequence, sequence]);
      expect(appended!.startUs).toBe(built!.endUs);
      expect(written!.endUs).toBeGreaterThanOrEqual(appended!.startUs);
      expect(synced!.startUs).toBeGreaterThanOrEqual(written!.endUs);
      const applier = APPLIED_BY_MAIN.has(mode) ? 'main' : 'apply';
      const threads = [built, appended, written, synced, applied].map((span) => span!.thread);
      expect(threads.join(' ')).toBe(`main main wal wal ${applier}`);
      const appliedAfter = mode === 'async-wal' ? appended!.startUs : synced!.endUs;
      expect(applied!.startUs).toBeGreaterThanOrEqual(appliedAfter);
    }
  });
});
