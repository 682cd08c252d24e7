/**
 * Repeatable random numbers, keys and values for the tests of the public API. A failing test names
 * its seed. Test thread.
 */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to `end` - 1 (mulberry32). */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  chance(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Bytes that repeat nothing a page could share by accident. */
  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = this.below(256);
    return bytes;
  }
}

/** Characters whose UTF-8 order and UTF-16 order differ, and those that end strings elsewhere. */
const CHARACTERS = ['a', 'b', 'z', '\0', '\x7f', 'é', '\uffff', '😀', '0'];

export function randomText(random: Random, lengthMax: number): string {
  let text = random.pick(CHARACTERS);
  for (let left = random.below(lengthMax); left > 0; left--) text += random.pick(CHARACTERS);
  return text;
}

export function randomBytes(random: Random, lengthMax: number): Buffer {
  const bytes = Buffer.alloc(1 + random.below(lengthMax));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.pick([0, 1, 0x61, 0xfe, 0xff]);
  return bytes;
}
