import { describe, expect, it, vi } from 'vitest';
import { NO_FRAME } from '../ids.js';
import { FRAMES_FREE_COUNT, PAGES_FREE_COUNT, PAGES_NEXT } from '../layout/pages.js';
import { KIB, MIB } from '../limits.js';
import { errnoError } from '../vfs/vfs.js';
import { Diff } from './diff.js';
import { readInMemory, loadPagesAsync } from './async-load.js';
import {
  bodyByte,
  createTestPager,
  fillBody,
  isKept,
  makePage,
  newDiff,
  operate,
  secondPager,
} from './test-pager.js';

describe('Pager: private pages', () => {
  it('gives each page its own number and a birth that never repeats', () => {
    const pager = createTestPager();
    const diff = newDiff(pager);
    const pages = operate(pager, () =>
      Array.from({ length: 200 }, (_, i) => makePage(pager, diff, i)),
    );
    expect(new Set(pages.map(({ page }) => page)).size).toBe(200);
    expect(new Set(pages.map(({ birth }) => birth)).size).toBe(200);
    expect([...diff.allocated.subarray(0, 200)]).toEqual(pages.map(({ page }) => page));
    expect(pager.birthMark()).toBeGreaterThan(Math.max(...pages.map(({ birth }) => birth)));
  });

  it('copies a page of another diff and remembers the old one as freed', () => {
    const pager = createTestPager();
    const first = newDiff(pager);
    const second = new Diff();
    operate(pager, () => {
      const old = makePage(pager, first, 7);
      second.reset(pager.newToken());
      const frame = pager.fetch(old.page, old.birth);
      expect(pager.isPrivate(second, frame)).toBe(false);
      const copy = pager.copyForWrite(second, frame);
      fillBody(pager, copy, 9);
      expect(pager.pageOf(copy)).not.toBe(old.page);
      expect(bodyByte(pager, pager.fetch(old.page, old.birth))).toBe(7);
      expect([...second.freed.subarray(0, 3)]).toEqual([old.page, old.birth, 0]);
      expect(pager.isPrivate(second, copy)).toBe(true);
    });
  });

  it('rolls back to a mark: frames and numbers are free again', () => {
    const pager = createTestPager();
    const control = pager.shared.pagesControl;
    const diff = newDiff(pager);
    operate(pager, () => makePage(pager, diff, 1));
    const mark = diff.mark();
    const dirty = pager.dirtyFrames();
    const later = operate(pager, () => Array.from({ length: 50 }, () => makePage(pager, diff, 2)));
    pager.rollBack(diff, mark);
    expect(pager.dirtyFrames()).toBe(dirty);
    expect(diff.allocatedCount).toBe(1);
    expect(control[PAGES_FREE_COUNT]).toBe(50);
    for (const { page } of later) expect(pager.findFrame(page)).toBe(NO_FRAME);
    const next = control[PAGES_NEXT];
    operate(pager, () => Array.from({ length: 50 }, () => makePage(pager, diff, 3)));
    expect(control[PAGES_NEXT]).toBe(next);
  });
});

describe('Pager: spilling', () => {
  it('writes private pages early, reads them back, and changes them in place again', () => {
    const pager = createTestPager({ cacheBytes: MIB });
    const diff = newDiff(pager);
    const pages: { page: number; birth: number; value: number }[] = [];
    for (let i = 0; i < 600; i++) {
      if (pager.frameCount() - pager.dirtyFrames() < 64) pager.spill(diff);
      operate(pager, () => pages.push({ ...makePage(pager, diff, i & 0xff), value: i & 0xff }));
    }
    for (const { page, birth, value } of pages) {
      operate(pager, () => {
        const frame = pager.fetch(page, birth);
        expect(bodyByte(pager, frame)).toBe(value);
      });
    }
    pager.spill(diff);
    const { page, birth } = pages[0]!;
    operate(pager, () => {
      const frame = pager.fetch(page, birth);
      const again = pager.copyForWrite(diff, frame);
      expect(pager.pageOf(again)).toBe(page);
      expect(pager.isPrivate(diff, again)).toBe(true);
      fillBody(pager, again, 0xee);
    });
    expect(diff.freedCount).toBe(0);
    pager.spill(diff);
    for (let i = 1; i < pages.length; i++) {
      operate(pager, () => pager.fetch(pages[i]!.page, pages[i]!.birth));
    }
    operate(pager, () => expect(bodyByte(pager, pager.fetch(page, birth))).toBe(0xee));
  });

  it('copies a spilled page after a savepoint instead of changing it', () => {
    const pager = createTestPager();
    const diff = newDiff(pager);
    const old = operate(pager, () => makePage(pager, diff, 1));
    pager.spill(diff);
    diff.freeze(pager.newToken());
    operate(pager, () => {
      const copy = pager.copyForWrite(diff, pager.fetch(old.page, old.birth));
      expect(pager.pageOf(copy)).not.toBe(old.page);
    });
    expect(diff.freedCount).toBe(1);
  });

  it('goes in pieces, and takes what was changed since once more', () => {
    const pager = createTestPager();
    const diff = newDiff(pager);
    const pages = operate(pager, () => {
      return Array.from({ length: 10 }, (_, i) => makePage(pager, diff, i + 1));
    });
    const [first] = pages;
    pager.spill(diff, 4);
    expect(pager.dirtyFrames()).toBe(6);
    operate(pager, () => {
      const again = pager.copyForWrite(diff, pager.fetch(first!.page, first!.birth));
      fillBody(pager, again, 0xee);
    });
    expect(diff.unspilledCount).toBe(7);
    pager.spill(diff, 4);
    expect(pager.dirtyFrames()).toBe(3);
    pager.spill(diff, 4);
    expect(pager.dirtyFrames()).toBe(0);
    expect(diff.unspilledCount).toBe(0);
    pager.retirePages(Int32Array.from(pages, ({ page }) => page).sort(), pages.length);
    pages.forEach(({ page, birth }, i) => {
      operate(pager, () => {
        expect(bodyByte(pager, pager.fetch(page, birth))).toBe(i === 0 ? 0xee : i + 1);
      });
    });
  });

  it('has nothing left of pages that were rolled back, or could not be written', () => {
    const pager = createTestPager();
    const diff = newDiff(pager);
    const { page, birth } = operate(pager, () => makePage(pager, diff, 1));
    const write = vi.spyOn(pager.file!, 'write').mockImplementationOnce(() => {
      throw errnoError('ENOSPC', 'write', 'memory');
    });
    const full = expect.objectContaining({ code: 'ERR_MANIFOLD_FULL' });
    expect(() => pager.spill(diff)).toThrow(full);
    expect(pager.dirtyFrames()).toBe(1);
    expect(diff.unspilledCount).toBe(1);
    write.mockClear();
    // The page may be changed, or belong to somebody else, by the time of the next early write.
    pager.flushWriteThrough();
    expect(write).not.toHaveBeenCalled();
    pager.spill(diff);
    operate(pager, () => pager.copyForWrite(diff, pager.fetch(page, birth)));
    expect(diff.unspilledCount).toBe(1);
    pager.rollBack(diff, { allocatedCount: 0, freedCount: 0 });
    expect(diff.unspilledCount).toBe(0);
  });
});

describe('Pager: eviction and epochs', () => {
  it('keeps what a reader fetched until its operation ends', () => {
    const pager = createTestPager({ cacheBytes: MIB });
    const reader = secondPager(pager, 1);
    const diff = newDiff(pager);
    const pages = [];
    for (let i = 0; i < 400; i++) {
      pages.push(operate(pager, () => makePage(pager, diff, i & 0xff)));
      if ((i & 63) === 63) pager.spill(diff);
    }
    pager.spill(diff);
    reader.beginOperation();
    const held = reader.fetch(pages[0]!.page, pages[0]!.birth);
    const before = Buffer.from(reader.frameBytes(held));
    for (let round = 0; round < 3; round++) {
      for (const { page, birth } of pages) operate(pager, () => pager.fetch(page, birth));
    }
    expect(Buffer.compare(before, Buffer.from(reader.frameBytes(held)))).toBe(0);
    reader.endOperation();
  });

  it('reads through scratch frames when every frame is taken', () => {
    const pager = createTestPager({ cacheBytes: MIB });
    const diff = newDiff(pager);
    const old = operate(pager, () => makePage(pager, diff, 0x42));
    pager.spill(diff);
    pager.retirePages(Int32Array.of(old.page), 1);
    const hungry = newDiff(pager);
    operate(pager, () => {
      try {
        for (;;) makePage(pager, hungry, 1);
      } catch (error) {
        expect((error as { code: string }).code).toBe('ERR_MANIFOLD_FULL');
      }
    });
    expect(pager.shared.pagesControl[FRAMES_FREE_COUNT]).toBe(0);
    operate(pager, () => expect(bodyByte(pager, pager.fetch(old.page, old.birth))).toBe(0x42));
    pager.rollBack(hungry, { allocatedCount: 0, freedCount: 0 });
    expect(pager.shared.pagesControl[FRAMES_FREE_COUNT]).toBeGreaterThan(100);
  });

  it('drops a late frame of a page before its number is offered again', () => {
    const pager = createTestPager({ cacheBytes: MIB });
    const reader = secondPager(pager, 1);
    const diff = newDiff(pager);
    const old = operate(pager, () => makePage(pager, diff, 5));
    pager.spill(diff);
    reader.beginOperation();
    const tag = pager.retirePages(Int32Array.of(old.page), 1);
    expect(pager.findFrame(old.page)).toBe(NO_FRAME);
    reader.fetch(old.page, old.birth);
    expect(pager.epochPassed(tag)).toBe(false);
    reader.endOperation();
    expect(pager.epochPassed(tag)).toBe(true);
    expect(pager.giveFreePages(Int32Array.of(old.page), 1)).toBe(1);
    expect(pager.findFrame(old.page)).toBe(NO_FRAME);
  });
});

describe('Pager: damage and misses', () => {
  it('refuses a page with another birth, or a changed byte, with its place', () => {
    const pager = createTestPager();
    const diff = newDiff(pager);
    const { page, birth } = operate(pager, () => makePage(pager, diff, 5));
    pager.spill(diff);
    pager.retirePages(Int32Array.of(page), 1);
    const corrupt = expect.objectContaining({
      code: 'ERR_MANIFOLD_CORRUPT',
      offset: page * pager.pageBytes,
    });
    operate(pager, () => expect(() => pager.fetch(page, birth + 1)).toThrow(corrupt));
    pager.file!.write([Uint8Array.of(0x55)], page * pager.pageBytes + 2 * KIB);
    operate(pager, () => expect(() => pager.fetch(page, birth)).toThrow(corrupt));
  });

  it('tells which page is missing and brings it in asynchronously', async () => {
    const pager = createTestPager();
    const diff = newDiff(pager);
    const { page, birth } = operate(pager, () => makePage(pager, diff, 0x33));
    pager.spill(diff);
    pager.retirePages(Int32Array.of(page), 1);
    const read = () => operate(pager, () => bodyByte(pager, pager.fetch(page, birth)));
    expect(readInMemory(pager, read)).toEqual({ missing: [{ page, birth }] });
    expect(await loadPagesAsync(pager, [{ page, birth }], isKept)).toBe(true);
    expect(readInMemory(pager, read)).toEqual({ value: 0x33 });
  });
});
