import { describe, expect, it } from 'vitest';
import { seededRandom } from '../tree/testing/history.js';
import { commonOwnBytes, compareKey, hashKey, hashOwnKey } from './keys.js';
import { below } from './testing/history.js';

/** A block with two keys at word boundaries and noise behind each of them. */
function twoKeys(a: Uint8Array, b: Uint8Array) {
  const u8 = new Uint8Array(256).fill(0xa5);
  const at = 8;
  const behind = at + ((a.length + 3) & ~3) + 4;
  u8.set(a, at);
  u8.set(b, behind);
  // Other noise behind the second key than behind the first.
  u8.fill(0x5a, behind + b.length, behind + b.length + 4);
  return { u8, words: new Int32Array(u8.buffer), at, behind };
}

describe('keys of a block', () => {
  it('hash as the same keys of a caller, whatever stands behind them', () => {
    const random = seededRandom(9);
    for (let bytes = 0; bytes < 40; bytes++) {
      const key = Uint8Array.from({ length: bytes }, () => below(random, 256));
      const { u8, words, at, behind } = twoKeys(key, key);
      const hash = hashKey(7, key, 0, bytes);
      expect(hashOwnKey(7, words, at, bytes)).toBe(hash);
      expect(hashOwnKey(7, words, behind, bytes)).toBe(hash);
      expect(hashKey(7, u8, at, bytes)).toBe(hash);
      expect(commonOwnBytes(words, at, bytes, behind, bytes)).toBe(bytes);
    }
  });

  it('compare as their bytes do', () => {
    const random = seededRandom(10);
    for (let i = 0; i < 2000; i++) {
      const make = () =>
        Uint8Array.from({ length: below(random, 12) }, () => below(random, 2) * 200);
      const [a, b] = [make(), make()];
      const { u8, words, at, behind } = twoKeys(a, b);
      let common = 0;
      while (common < Math.min(a.length, b.length) && a[common] === b[common]) common += 1;
      expect(commonOwnBytes(words, at, a.length, behind, b.length)).toBe(common);
      const order = compareKey(a, 0, a.length, u8, behind, b.length);
      expect(Math.sign(order)).toBe(Buffer.compare(a, b));
      if (a.length === b.length) {
        const areEqual = commonOwnBytes(words, at, a.length, behind, a.length) === a.length;
        expect(areEqual).toBe(order === 0);
      }
    }
  });

  it('spread over the hash table, in the low bits and in the tag', () => {
    const counts = new Int32Array(1024);
    const tags = new Int32Array(128);
    const count = 64 * 1024;
    for (let i = 0; i < count; i++) {
      const hash = hashKey(1, Buffer.from(`user:${String(i).padStart(8, '0')}`), 0, 13);
      counts[hash & 1023] += 1;
      tags[hash >>> 25] += 1;
    }
    // Far outside what chance does to 64 and 512 on average.
    expect(Math.max(...counts)).toBeLessThan(64 * 2);
    expect(Math.min(...tags)).toBeGreaterThan(512 / 2);
    expect(Math.max(...tags)).toBeLessThan(512 * 2);
  });
});
