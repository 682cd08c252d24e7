/**
 * The page manager once the holder of its lock is dead: reads find what is in memory and read the
 * rest into frames of their own, everything that would change pages ends, nothing waits.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { setFailure } from '../failure/failure.js';
import { NO_FRAME } from '../ids.js';
import { FAILURE_WORKER } from '../layout/progress.js';
import { loadPagesAsync, readInMemory } from './async-load.js';
import type { Pager } from './pager.js';
import { lockPages, tryLockPages } from './pages-lock.js';
import {
  bodyByte,
  coldPage,
  createTestPager,
  isKept,
  makePage,
  newDiff,
  operate,
  secondPager,
  type Place,
} from './test-pager.js';

const POISONED = expect.objectContaining({ code: 'ERR_MANIFOLD_POISONED' }) as Error;

/** A page in memory and one that is in the file only. */
function warmAndCold(pager: Pager): { warm: Place; cold: Place } {
  const diff = newDiff(pager);
  const cold = coldPage(pager, diff, 4);
  return { warm: operate(pager, () => makePage(pager, diff, 3)), cold };
}

/** Somebody took the lock and is no more. */
function abandonLock(pager: Pager): void {
  const { shared } = pager;
  lockPages(shared);
  setFailure(shared, FAILURE_WORKER, 'a worker stopped');
  // Nobody waits for real.
  vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
  expect(tryLockPages(shared)).toBe(false);
}

function read(pager: Pager, { page, birth }: Place): number {
  return operate(pager, () => bodyByte(pager, pager.fetch(page, birth)));
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a lock whose holder is dead', () => {
  it('leaves reads as they were', async () => {
    const pager = createTestPager();
    const { warm, cold } = warmAndCold(pager);
    abandonLock(pager);
    expect([read(pager, warm), read(pager, cold)]).toEqual([3, 4]);
    expect(pager.findFrame(cold.page)).toBe(NO_FRAME);
    // A look-up that another thread made miss, when that thread was still alive.
    operate(pager, () => {
      const frame = pager.loader.load(warm.page, warm.birth);
      expect(frame).toBe(pager.findFrame(warm.page));
    });
    // Asynchronous reads are told to read by themselves.
    expect(readInMemory(pager, () => read(pager, cold))).toEqual({ missing: [cold] });
    expect(await loadPagesAsync(pager, [cold], isKept)).toBe(false);
  });

  it('ends what would change pages, and what it leaves can be given up', () => {
    const pager = createTestPager();
    const { warm } = warmAndCold(pager);
    const diff = newDiff(pager);
    operate(pager, () => makePage(pager, diff, 5));
    const mark = diff.mark();
    operate(pager, () => makePage(pager, diff, 6));
    abandonLock(pager);
    expect(() => operate(pager, () => makePage(pager, diff, 7))).toThrow(POISONED);
    expect(() => pager.spill(diff)).toThrow(POISONED);
    expect(() => pager.retirePages(Int32Array.of(warm.page), 1)).toThrow(POISONED);
    expect(pager.makeRoom(1)).toBe(true);
    expect(pager.makeRoom(pager.frameCount())).toBe(false);
    pager.returnFrames();
    pager.rollBack(diff, mark);
    expect(diff.allocatedCount).toBe(mark.allocatedCount);
    expect(read(pager, warm)).toBe(3);
  });

  it.each(['reads', 'fails'] as const)('may be left while a page is read (%s)', (outcome) => {
    const pager = createTestPager();
    const { cold } = warmAndCold(pager);
    const other = secondPager(pager, 1);
    const file = pager.file!;
    const readFile = file.read.bind(file);
    vi.spyOn(file, 'read').mockImplementationOnce((target, offset) => {
      abandonLock(other);
      if (outcome === 'fails') throw new TypeError('a bug');
      return readFile(target, offset);
    });
    if (outcome === 'fails') expect(() => read(pager, cold)).toThrow(TypeError);
    else expect(read(pager, cold)).toBe(4);
    expect(pager.findFrame(cold.page)).toBe(NO_FRAME);
    expect(read(pager, cold)).toBe(4);
  });
});
