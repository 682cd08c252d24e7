/**
 * The page manager where something comes in between: another thread that is faster, a counter that
 * wraps, a page that lies in a frame of this thread's own, an error of a file and one that is none.
 */
import { describe, expect, it, vi } from 'vitest';
import { NO_FRAME } from '../ids.js';
import { EPOCH_FIRST, EPOCH_GLOBAL } from '../layout/epochs.js';
import {
  FRAMES_FREE_COUNT,
  FRAMES_FREE_HEAD,
  FRAME_NEXT,
  FRAME_ROW_SHIFT,
  RETIRED_COUNT,
  RETIRED_OLDEST,
} from '../layout/pages.js';
import { KIB, MIB, REGION_BYTES_MAX } from '../limits.js';
import { loadPagesAsync, readInMemory } from './async-load.js';
import type { Pager } from './pager.js';
import {
  bodyByte,
  coldPage,
  createTestPager,
  isKept,
  makePage,
  newDiff,
  operate,
  secondPager,
} from './test-pager.js';

/** Leaves no frame free for anybody. */
function takeAllFrames(pager: Pager): void {
  const diff = newDiff(pager);
  const full = expect.objectContaining({ code: 'ERR_MANIFOLD_FULL' }) as Error;
  const takeThem = (): never => {
    for (;;) makePage(pager, diff);
  };
  operate(pager, () => expect(takeThem).toThrow(full));
  expect(pager.freeFrames()).toBe(0);
}

/** The free frames, one after another as they are linked. */
function freeList(pager: Pager): number[] {
  const { pagesControl, frameTable } = pager.shared;
  const frames: number[] = [];
  let frame = pagesControl[FRAMES_FREE_HEAD]!;
  while (frame !== NO_FRAME) {
    expect(frames.length, 'the list has an end').toBeLessThan(pager.frameCount());
    frames.push(frame);
    frame = frameTable[(frame << FRAME_ROW_SHIFT) + FRAME_NEXT]!;
  }
  return frames;
}

describe('a page that another thread loads first', () => {
  it('while this one waits for the lock is not read again', () => {
    const pager = createTestPager();
    const other = secondPager(pager, 1);
    const { page, birth } = coldPage(pager, newDiff(pager), 5);
    // What `fetch` saw before the other thread was there: nothing. So it goes to the loader.
    const loaded = operate(other, () => other.fetch(page, birth));
    expect(operate(pager, () => pager.loader.load(page, birth))).toBe(loaded);
    expect([pager.loader.misses, other.loader.misses]).toEqual([0, 1]);
  });

  it('while this one reads it too has one frame, and the other one is free again', () => {
    const pager = createTestPager();
    const other = secondPager(pager, 1);
    const { page, birth } = coldPage(pager, newDiff(pager), 6);
    const free = pager.shared.pagesControl[FRAMES_FREE_COUNT]!;
    const file = pager.file!;
    const read = file.read.bind(file);
    let linked: number = NO_FRAME;
    vi.spyOn(file, 'read').mockImplementationOnce((target, offset) => {
      linked = operate(other, () => other.fetch(page, birth));
      return read(target, offset);
    });
    operate(pager, () => {
      expect(pager.fetch(page, birth)).toBe(linked);
      expect(bodyByte(pager, linked)).toBe(6);
    });
    expect([pager.loader.misses, other.loader.misses]).toEqual([1, 1]);
    expect(pager.shared.pagesControl[FRAMES_FREE_COUNT]).toBe(free - 1);
  });
});

describe('a page that is brought in without blocking', () => {
  it('has one frame when another thread read it meanwhile', async () => {
    const pager = createTestPager();
    const other = secondPager(pager, 1);
    const { page, birth } = coldPage(pager, newDiff(pager), 8);
    const linked = operate(other, () => other.fetch(page, birth));
    const free = pager.freeFrames();
    expect(await loadPagesAsync(pager, [{ page, birth }], isKept)).toBe(true);
    expect([pager.findFrame(page), pager.freeFrames()]).toEqual([linked, free]);
  });

  it('is not in memory afterwards when no frame is free, and the caller is told', async () => {
    const pager = createTestPager({ cacheBytes: MIB });
    const { page, birth } = coldPage(pager, newDiff(pager), 8);
    takeAllFrames(secondPager(pager, 1));
    expect(await loadPagesAsync(pager, [{ page, birth }], isKept)).toBe(false);
    expect(pager.findFrame(page)).toBe(NO_FRAME);
  });
});

describe('a page in a frame of this thread alone', () => {
  it('is copied, not changed in place, although its diff wrote it', () => {
    const pager = createTestPager({ cacheBytes: MIB });
    const other = secondPager(pager, 1);
    const diff = newDiff(pager);
    const { page, birth } = coldPage(pager, diff, 7);
    expect(pager.reserveFrames(2)).toBe(true);
    takeAllFrames(other);
    operate(pager, () => {
      const scratch = pager.fetch(page, birth);
      expect(pager.findFrame(page)).toBe(NO_FRAME);
      const copy = pager.copyForWrite(diff, scratch);
      expect(copy).not.toBe(scratch);
      expect(pager.pageOf(copy)).not.toBe(page);
      expect(bodyByte(pager, copy)).toBe(7);
    });
    expect([...diff.freed.subarray(0, 2)]).toEqual([page, birth]);
    expect(diff.spilled.has(page)).toBe(true);
  });
});

describe('frames', () => {
  it('that were let go are taken before any page is evicted', () => {
    const pager = createTestPager({ cacheBytes: MIB });
    const other = secondPager(pager, 1);
    const diff = newDiff(pager);
    const pages = operate(pager, () => Array.from({ length: 80 }, () => makePage(pager, diff)));
    pager.spill(diff);
    const [kept, ...gone] = pages.map(({ page }) => page);
    const fresh = secondPager(pager, 2);
    pager.retirePages(Int32Array.from(gone), gone.length);
    operate(fresh, () => {
      expect(other.reserveFrames(pager.freeFrames())).toBe(true);
      expect([pager.freeFrames(), pager.retiredFrames()]).toEqual([0, gone.length]);
      makePage(fresh, newDiff(fresh));
    });
    expect(pager.retiredFrames()).toBe(0);
    expect(pager.findFrame(kept!)).not.toBe(NO_FRAME);
  });

  // Positions in the queue were once counts of all retirements: with frames that are no power of
  // two the one after 2^32 - 1 was another row, and frames became free twice.
  it.each([256, 257])('are free once each when the queue begins again at row 0 of %i', (frames) => {
    const pager = createTestPager({ cacheBytes: frames * 4 * KIB });
    const reader = secondPager(pager, 1);
    const { pagesControl } = pager.shared;
    pagesControl[RETIRED_OLDEST] = frames - 50;
    const diff = newDiff(pager);
    const made = operate(pager, () =>
      Array.from({ length: 100 }, () => makePage(pager, diff).page),
    );
    const pages = Int32Array.from(made);
    const free = pager.freeFrames();
    operate(reader, () => {
      pager.retirePages(pages, pages.length);
      pager.recycle();
      expect([pager.freeFrames(), pager.retiredFrames()]).toEqual([free, 100]);
    });
    pager.recycle();
    expect([pagesControl[RETIRED_OLDEST], pagesControl[RETIRED_COUNT]]).toEqual([50, 0]);
    const list = freeList(pager);
    expect([list.length, new Set(list).size]).toEqual([free + 100, free + 100]);
  });
});

describe('a diff', () => {
  it('that was frozen before it was written stays immutable afterwards', () => {
    const pager = createTestPager();
    const diff = newDiff(pager);
    const { page, birth } = operate(pager, () => makePage(pager, diff, 1));
    diff.freeze(pager.newToken());
    pager.spill(diff);
    expect(pager.dirtyFrames()).toBe(0);
    expect(diff.spilled.size).toBe(0);
    operate(pager, () => {
      const copy = pager.copyForWrite(diff, pager.fetch(page, birth));
      expect(pager.pageOf(copy)).not.toBe(page);
    });
  });

  it('has nothing of the transaction before it', () => {
    const pager = createTestPager();
    const diff = newDiff(pager);
    const { page, birth } = coldPage(pager, diff);
    operate(pager, () => pager.copyForWrite(diff, pager.fetch(page, birth)));
    expect(diff.ownedAgain).toEqual([page]);
    diff.reset(pager.newToken());
    expect(diff.ownedAgain).toEqual([]);
    expect(diff.unspilledCount).toBe(0);
  });

  it('takes a page from one memory region to another', () => {
    // Memory that is never touched costs nothing: the second region begins behind 1 GiB.
    const pager = createTestPager({ cacheBytes: REGION_BYTES_MAX + MIB, pageBytes: 32 * KIB });
    const regionFrames = REGION_BYTES_MAX / pager.pageBytes;
    const other = secondPager(pager, 1);
    const diff = newDiff(pager);
    const old = operate(pager, () => makePage(pager, diff, 9));
    const taken = pager.frameCount() - pager.freeFrames();
    expect(other.reserveFrames(regionFrames - taken)).toBe(true);
    operate(pager, () => {
      let frame = pager.fetch(old.page, old.birth);
      for (let i = 0; i < 200 && frame < regionFrames; i++) {
        expect(bodyByte(pager, frame)).toBe(9);
        diff.freeze(pager.newToken());
        frame = pager.copyForWrite(diff, frame);
      }
      expect(frame).toBeGreaterThanOrEqual(regionFrames);
      expect(bodyByte(pager, frame)).toBe(9);
    });
  });
});

describe('counters', () => {
  // Tokens once had 26 bits for the counter. A page that no checkpoint has written keeps its owner:
  // what a transaction changed in place there was neither undone nor unseen by older snapshots.
  it.each([2 ** 26 - 1, 2 ** 26, 2 ** 27, 2 ** 40])(
    'of diffs do not begin again: a page of %i builds ago is copied',
    (builds) => {
      const pager = secondPager(createTestPager(), 3);
      const old = newDiff(pager);
      const { page, birth } = operate(pager, () => makePage(pager, old));
      (pager as unknown as { lastBuild: number }).lastBuild += builds - 1;
      const diff = newDiff(pager);
      operate(pager, () => {
        const frame = pager.fetch(page, birth);
        expect(pager.isPrivate(old, frame)).toBe(true);
        expect(pager.isPrivate(diff, frame)).toBe(false);
      });
    },
  );

  it('of diffs are given up before two diffs would be the same', () => {
    const pager = createTestPager();
    (pager as unknown as { lastBuild: number }).lastBuild = 2 ** 48;
    expect(() => pager.newToken()).toThrow('no token is given out twice');
  });

  it('of epochs skip the one that means "in no operation"', () => {
    const pager = createTestPager();
    const { epochs } = pager.shared;
    epochs[EPOCH_GLOBAL] = -1;
    const reader = secondPager(pager, 1);
    reader.beginOperation();
    const tag = pager.retirePages(new Int32Array(0), 0);
    expect(tag).toBe(-1);
    expect(epochs[EPOCH_GLOBAL]).toBe(EPOCH_FIRST);
    expect(pager.epochPassed(tag)).toBe(false);
    reader.endOperation();
    reader.beginOperation();
    expect(pager.epochPassed(tag)).toBe(true);
    reader.endOperation();
  });
});

describe('an exception that is no error of a file', () => {
  const bug = new TypeError('a bug');
  const throws = (): never => {
    throw bug;
  };

  it('goes up as it is from a read in memory', () => {
    const pager = createTestPager();
    expect(() => readInMemory(pager, throws)).toThrow(bug);
    expect(pager.loader.refusesToLoad).toBe(false);
  });

  it('goes up as it is from reading and writing pages, and takes no frame with it', async () => {
    const pager = createTestPager();
    const { page, birth } = coldPage(pager, newDiff(pager));
    const free = pager.shared.pagesControl[FRAMES_FREE_COUNT];
    vi.spyOn(pager.file!, 'read').mockImplementation(throws);
    operate(pager, () => expect(() => pager.fetch(page, birth)).toThrow(bug));
    await expect(loadPagesAsync(pager, [{ page, birth }], isKept)).rejects.toBe(bug);
    expect(pager.shared.pagesControl[FRAMES_FREE_COUNT]).toBe(free);
    vi.spyOn(pager.file!, 'write').mockImplementationOnce(throws);
    const diff = newDiff(pager);
    operate(pager, () => makePage(pager, diff));
    expect(() => pager.spill(diff)).toThrow(bug);
  });
});
