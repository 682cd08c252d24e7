/**
 * Which keys a walk has shown its user, presence and absence: what an optimistic transaction must
 * find unchanged at commit. Entries that were read ahead but not handed out do not count.
 */
import type { ByteBounds, ByteRange } from '../encoding/index.js';

export interface CoveredRange {
  /** Bytes of the keys covered until now, as [low, high); `undefined` when there are none. */
  bounds(): ByteBounds | undefined;
}

const SUCCESSOR = Buffer.of(0);

/** One stretch of a walk: from its start or a `seek` on. */
export class CoveredSegment implements CoveredRange {
  readonly #range: ByteRange;
  readonly #start: Buffer | undefined;
  /** The last key handed out; asked while the stretch goes on. */
  #lastKey: () => Buffer | undefined;
  #reachedEnd = false;

  /** `start`: the key that was sought, if the stretch does not begin at the range's end. */
  constructor(range: ByteRange, start: Buffer | undefined, lastKey: () => Buffer | undefined) {
    this.#range = range;
    this.#start = start;
    this.#lastKey = lastKey;
  }

  /** The user was told that nothing follows. */
  reachEnd(): void {
    this.#reachedEnd = true;
  }

  /** The walk goes elsewhere, or is over. */
  end(): void {
    const last = this.#lastKey();
    this.#lastKey = () => last;
  }

  bounds(): ByteBounds | undefined {
    const { low, high, reverse } = this.#range;
    const last = this.#lastKey();
    if (last === undefined && !this.#reachedEnd) return undefined;
    if (reverse) {
      const above = this.#start === undefined ? high : behind(this.#start);
      return { low: this.#reachedEnd ? low : last, high: above };
    }
    const above = this.#reachedEnd || last === undefined ? high : behind(last);
    return { low: this.#start ?? low, high: above };
  }
}

function behind(key: Buffer): Buffer {
  return Buffer.concat([key, SUCCESSOR]);
}
