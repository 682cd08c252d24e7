/** The commits of the queue test: both sides derive every word from the sequence. */
import { newRandom } from './pattern.mjs';

/** Sizes of the commit's lists. Some are larger than an entry, one in a while than the queue. */
export function sizesOf(sequence, position) {
  const random = newRandom(sequence | 0);
  const parts = 1 + random(4);
  if (position % 401 === 200) return { parts, allocated: 200_000, freed: 60_000 };
  if (position % 37 === 5) return { parts, allocated: random(30_000), freed: random(30_000) };
  return { parts, allocated: random(40), freed: random(40) };
}

export function wordOf(sequence, list, index) {
  return (Math.imul((sequence | 0) ^ list, 0x9e3779b1) + index) & 0x7fffffff;
}
