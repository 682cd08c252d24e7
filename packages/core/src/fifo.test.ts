import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.js';

describe('a queue', () => {
  it('gives back in the order of arrival, however it grows and shrinks', () => {
    const queue = new Fifo<number>();
    let pushed = 0;
    let taken = 0;
    for (let round = 0; round < 60; round++) {
      for (let left = (round * 37) % 400; left > 0; left--) queue.push(pushed++);
      for (let left = (round * 53) % 380; left > 0 && queue.length > 0; left--) {
        expect(queue.peek()).toBe(taken);
        expect(queue.shift()).toBe(taken++);
      }
      expect(queue.length).toBe(pushed - taken);
    }
    expect(taken).toBeGreaterThan(5000);
    const rest = queue.drain();
    expect(rest).toEqual(Array.from({ length: pushed - taken }, (_, at) => taken + at));
    expect(queue.length).toBe(0);
    expect(queue.peek()).toBeUndefined();
    expect(queue.shift()).toBeUndefined();
    queue.push(7);
    expect(queue.shift()).toBe(7);
  });
});
