/**
 * Frames that a thread remembers from one operation to the next. The bug that must not come: a page
 * is read from a frame that holds another one by now.
 */
import { describe, expect, it } from 'vitest';
import { MIB } from '../limits.js';
import type { Diff } from './diff.js';
import { FrameHints, hintBytesMax } from './frame-hints.js';
import type { Pager } from './pager.js';
import {
  bodyByte,
  createTestPager,
  makePage,
  newDiff,
  operate,
  secondPager,
  type Place,
} from './test-pager.js';

/** Operations after which hints hold for certain. */
const MANY = 2000;

function newPage(pager: Pager, diff: Diff, value: number): Place {
  return operate(pager, () => makePage(pager, diff, value));
}

function read(pager: Pager, { page, birth }: Place): number {
  return operate(pager, () => bodyByte(pager, pager.fetch(page, birth)));
}

function readOften(pager: Pager, place: Place): number {
  let value = 0;
  for (let i = 0; i < MANY; i++) value = read(pager, place);
  return value;
}

describe('frame hints', () => {
  it('hold after quiet operations, until the epoch moves on or has moved meanwhile', () => {
    const hints = new FrameHints(100);
    const untilHeld = (epoch: number): number => {
      for (let operations = 1; operations < MANY; operations++) {
        hints.begin(epoch, epoch);
        if (hints.hold) return operations;
      }
      return MANY;
    };
    const first = untilHeld(7);
    expect(first).toBeLessThan(MANY);
    hints.words.fill(3);
    hints.begin(8, 8);
    expect(hints.hold).toBe(false);
    expect(untilHeld(8)).toBeGreaterThan(1);
    expect(hints.words.every((word) => word === 0)).toBe(true);
    // The epoch advanced between the two loads of one operation.
    hints.begin(8, 9);
    expect(hints.hold).toBe(false);
    untilHeld(9);
    hints.end();
    expect(untilHeld(9)).toBeGreaterThan(1);
  });

  it('take memory by the number of frames', () => {
    expect(hintBytesMax(100)).toBe(128 * 8);
    expect(hintBytesMax(1 << 20)).toBe(8 * MIB);
  });

  it('end when another thread gives the frame to another page', () => {
    const pager = createTestPager();
    const other = secondPager(pager, 1);
    const diff = newDiff(pager);
    const place = newPage(pager, diff, 1);
    pager.spill(diff);
    expect(readOften(pager, place)).toBe(1);
    const frame = operate(pager, () => pager.fetch(place.page, place.birth));
    other.retirePages(Int32Array.of(place.page), 1);
    other.recycle();
    const others = newDiff(other);
    while (other.findFrame(newPage(other, others, 2).page) !== frame);
    expect(read(pager, place)).toBe(1);
  });

  it('end when this thread gives the number to another frame', () => {
    const pager = createTestPager();
    const kept = newPage(pager, newDiff(pager), 9);
    const diff = newDiff(pager);
    const mark = diff.mark();
    const place = newPage(pager, diff, 1);
    expect(readOften(pager, place)).toBe(1);
    pager.rollBack(diff, mark);
    let next = kept;
    while (next.page !== place.page) next = newPage(pager, diff, 2);
    expect(read(pager, next)).toBe(2);
  });

  it('leave what is read in one operation as it is while another thread retires it', () => {
    const pager = createTestPager();
    const other = secondPager(pager, 1);
    const diff = newDiff(pager);
    const place = newPage(pager, diff, 1);
    pager.spill(diff);
    readOften(pager, place);
    operate(pager, () => {
      const frame = pager.fetch(place.page, place.birth);
      other.retirePages(Int32Array.of(place.page), 1);
      other.recycle();
      const others = newDiff(other);
      for (let i = 0; i < 100; i++) newPage(other, others, 2);
      expect(pager.fetch(place.page, place.birth)).toBe(frame);
      expect(bodyByte(pager, frame)).toBe(1);
    });
  });
});
