import { describe, expect, it } from 'vitest';
import { NO_FRAME } from '../ids.js';
import { loadPagesAsync } from './async-load.js';
import {
  bodyByte,
  coldPage,
  createTestPager,
  isKept,
  makePage,
  newDiff,
  operate,
} from './test-pager.js';

/** A pager whose asynchronous reads end when the test says so. */
function heldPager() {
  const pager = createTestPager();
  const file = pager.file!;
  const ends: ((error?: Error) => void)[] = [];
  file.readAsync = (target, offset) =>
    new Promise<number>((resolve, reject) => {
      ends.push((error) => {
        if (error === undefined) resolve(file.read(target, offset));
        else reject(error);
      });
    });
  return { pager, ends };
}

function ioError(): Error {
  return Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
}

describe('pages that are read asynchronously', () => {
  it('come into memory', async () => {
    const { pager, ends } = heldPager();
    const diff = newDiff(pager);
    const pages = [coldPage(pager, diff, 1), coldPage(pager, diff, 2)];
    const loading = loadPagesAsync(pager, pages, isKept);
    for (const end of ends) end();
    expect(await loading).toBe(true);
    expect(pages.map(({ page }) => bodyByte(pager, pager.findFrame(page)))).toEqual([1, 2]);
  });

  it('do not come back under a number that was given away meanwhile', async () => {
    const { pager, ends } = heldPager();
    const diff = newDiff(pager);
    const old = coldPage(pager, diff, 7);
    let isOver = false;
    const loading = loadPagesAsync(pager, [old], () => !isOver);
    pager.rollBack(diff, { allocatedCount: 0, freedCount: 0 });
    isOver = true;
    const next = newDiff(pager);
    let fresh = operate(pager, () => makePage(pager, next, 9));
    while (fresh.page !== old.page) fresh = operate(pager, () => makePage(pager, next, 9));
    pager.spill(next);
    pager.retirePages(Int32Array.of(fresh.page), 1);
    pager.recycle();
    // What the file has there now is not damage, it is another page.
    ends[0]!();
    expect(await loading).toBe(true);
    expect(pager.findFrame(old.page)).toBe(NO_FRAME);
    const seen = operate(pager, () => bodyByte(pager, pager.fetch(fresh.page, fresh.birth)));
    expect(seen).toBe(9);
  });

  it('are nobody’s business when they cannot be read after the version was let go', async () => {
    const { pager, ends } = heldPager();
    const page = coldPage(pager, newDiff(pager), 1);
    const loading = loadPagesAsync(pager, [page], () => false);
    ends[0]!(ioError());
    expect(await loading).toBe(true);
  });

  it('are all read when the error of one is told', async () => {
    const { pager, ends } = heldPager();
    const diff = newDiff(pager);
    const pages = [coldPage(pager, diff, 1), coldPage(pager, diff, 2)];
    let isOver = false;
    const loading = loadPagesAsync(pager, pages, isKept).finally(() => (isOver = true));
    loading.catch(() => {});
    ends[0]!(ioError());
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    ends[1]!();
    await expect(loading).rejects.toMatchObject({ code: 'ERR_MANIFOLD_IO' });
  });
});
