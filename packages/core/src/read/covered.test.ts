/** What a walk reports as read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferKeys, bufferValues } from '../encoding/index.js';
import type { KeyRange } from '../types.js';
import type { CoveredRange } from './covered.js';
import { createEntries } from './entries.js';
import { TestTree } from './test-tree.js';

const codec = { key: bufferKeys, value: bufferValues };
/** Even single bytes are there, odd ones are not. */
const keys = Array.from({ length: 100 }, (_, i) => Buffer.of(2 * i));
const tree = new TestTree();
tree.putAll(
  codec,
  keys.map((key) => [key, key] as const),
);

/** Every one-byte key that the segments say was looked at. */
function coveredKeys(segments: CoveredRange[]): Set<number> {
  const covered = new Set<number>();
  for (const segment of segments) {
    const bounds = segment.bounds();
    if (bounds === undefined) continue;
    for (let byte = 0; byte < 256; byte++) {
      const key = Buffer.of(byte);
      if (bounds.low !== undefined && Buffer.compare(key, bounds.low) < 0) continue;
      if (bounds.high !== undefined && Buffer.compare(key, bounds.high) >= 0) continue;
      covered.add(byte);
    }
  }
  return covered;
}

const byte = fc.nat(220).map((value) => Buffer.of(value));
const range = fc.record(
  { gt: byte, lte: byte, reverse: fc.boolean(), limit: fc.nat(60) },
  { requiredKeys: [] },
) as fc.Arbitrary<KeyRange<Uint8Array>>;
const step = fc.oneof(fc.record({ seek: byte }), fc.record({ next: fc.nat(30) }));

describe('the covered range', () => {
  it('holds exactly the keys whose presence or absence was shown, at any time', () => {
    fc.assert(
      fc.property(range, fc.array(step, { maxLength: 6 }), (given, steps) => {
        const segments: CoveredRange[] = [];
        const walk = createEntries<Uint8Array, Uint8Array, Uint8Array>(
          ...([
            tree,
            codec,
            given,
            'keys',
            tree.open,
            (s: CoveredRange) => segments.push(s),
          ] as const),
        );
        const low = given.gt === undefined ? 0 : given.gt[0]! + 1;
        const high = given.lte === undefined ? 255 : given.lte[0]!;
        const sign = given.reverse === true ? -1 : 1;
        const first = sign > 0 ? low : high;
        const last = sign > 0 ? high : low;
        const expected = new Set<number>();
        const show = (from: number, to: number) => {
          for (let at = from; (to - at) * sign >= 0; at += sign) {
            if (at >= low && at <= high) expected.add(at);
          }
        };
        // Where the walk stands: everything from `place` on is unknown yet.
        let place = first;
        let left = given.limit ?? Infinity;
        let isOver = false;
        for (const action of steps) {
          if ('seek' in action) {
            walk.seek(action.seek);
            place = action.seek[0]!;
            if ((place - first) * sign < 0) place = first;
            continue;
          }
          for (let i = 0; i < action.next && !isOver; i++) {
            const result = walk.next();
            if (result.done === true) {
              isOver = true;
              if (left > 0) show(place, last);
              continue;
            }
            left--;
            show(place, result.value[0]!);
            place = result.value[0]! + sign;
          }
          expect(coveredKeys(segments)).toEqual(expected);
        }
        walk.close();
        expect(coveredKeys(segments)).toEqual(expected);
      }),
      { seed: 17, numRuns: 400 },
    );
  });

  it('is nothing for a walk that was not stepped', () => {
    const segments: CoveredRange[] = [];
    const walk = createEntries(tree, codec, {}, 'keys', tree.open, (s) => segments.push(s));
    walk.seek(Buffer.of(4)).close();
    expect(segments).toEqual([]);
  });
});
