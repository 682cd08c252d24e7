import { describe, expect, it } from 'vitest';
import { BELL_RINGS, BELL_WORDS } from '../layout/bells.js';
import { FAILURE_LOG_WRITE, FAILURE_SYNC, FAILURE_TEXT_BYTES } from '../layout/progress.js';
import { THREADS_MAX } from '../limits.js';
import { testShared } from '../ring/test-shared.js';
import { failureText, hasFailed, readFailure, setFailure } from './failure.js';

describe('failure word', () => {
  it('keeps the first failure and rings every bell once', () => {
    const shared = testShared();
    expect(readFailure(shared)).toBeUndefined();
    expect(hasFailed(shared)).toBe(false);
    expect(setFailure(shared, FAILURE_SYNC, 'EIO: fdatasync – the disk is gone')).toBe(true);
    expect(setFailure(shared, FAILURE_LOG_WRITE, 'later')).toBe(false);
    expect(readFailure(shared)).toEqual({
      code: FAILURE_SYNC,
      text: 'EIO: fdatasync – the disk is gone',
    });
    expect(hasFailed(shared)).toBe(true);
    for (let thread = 0; thread < THREADS_MAX; thread++) {
      expect(shared.bells[thread * BELL_WORDS + BELL_RINGS]).toBe(1);
    }
  });

  it('cuts a long text at a character', () => {
    const shared = testShared();
    setFailure(shared, FAILURE_SYNC, 'x' + 'é'.repeat(FAILURE_TEXT_BYTES));
    const text = readFailure(shared)!.text;
    expect(text).toBe('x' + 'é'.repeat(FAILURE_TEXT_BYTES / 2 - 1));
  });

  it('tells errors by their message', () => {
    expect(failureText(new Error('EIO: write'))).toBe('EIO: write');
    expect(failureText(new RangeError('odd'))).toBe('RangeError: odd');
    expect(failureText('thrown text')).toBe('thrown text');
  });
});
