/**
 * What a power cut may leave of the changes that no sync has covered: one fate for each of them.
 * All subsets while there are few; then none, all but each, each alone, all up to each, and random
 * ones. Besides, every write torn between two sectors, either side surviving.
 */
import { SECTOR_BYTES, type PendingWrite, type Survival } from '@manifold-db/storage';
import { randomFrom } from '../simulator.js';

export type Fates = readonly (Survival | undefined)[];

/** With at most so many changes all of their subsets are tried. */
const ALL_SUBSETS_MAX = 10;
const RANDOM_SUBSETS = 64;
/** Each alone, all but it, all up to it. */
const SUBSETS_PER_CHANGE = 3;
/** Of one write; those at random places when there are more. */
const TEARS_MAX = 8;
const SIDES = 2;
/** How many of the others survive beside a torn write. */
const SHARES = [0, 1, 0.5];

/** Multiples of it, modulo 1, lie as evenly as can be, however many there are. */
const GOLDEN = 0.618034;

interface Tear {
  readonly index: number;
  /** Offset within the write. */
  readonly cut: number;
}

function whole({ bytes }: PendingWrite): Survival {
  return { from: 0, to: bytes };
}

/** Where sectors end within a write. */
function cutsOf({ offset, bytes }: PendingWrite, random: () => number): number[] {
  const first = SECTOR_BYTES - (offset % SECTOR_BYTES);
  const cuts: number[] = [];
  for (let at = first; at < bytes; at += SECTOR_BYTES) cuts.push(at);
  while (cuts.length > TEARS_MAX) cuts.splice(Math.floor(random() * cuts.length), 1);
  return cuts;
}

/** By number; the same for the same changes and the same seed. */
export class Choices {
  readonly count: number;
  readonly #changes: readonly PendingWrite[];
  readonly #seed: number;
  readonly #subsetCount: number;
  readonly #tears: Tear[] = [];

  constructor(changes: readonly PendingWrite[], seed: number) {
    this.#changes = changes;
    this.#seed = seed;
    const { length } = changes;
    const isSmall = length <= ALL_SUBSETS_MAX;
    this.#subsetCount = isSmall ? 1 << length : 1 + SUBSETS_PER_CHANGE * length + RANDOM_SUBSETS;
    const random = randomFrom(seed);
    for (const [index, change] of changes.entries()) {
      for (const cut of cutsOf(change, random)) this.#tears.push({ index, cut });
    }
    this.count = this.#subsetCount + this.#tears.length * SIDES * SHARES.length;
  }

  at(number: number): Fates {
    const random = randomFrom(this.#seed ^ Math.imul(number + 1, 0xc2b2ae35));
    if (number >= this.#subsetCount) return this.#torn(number - this.#subsetCount, random);
    const isKept = this.#subset(number, random);
    return this.#changes.map((change, index) => (isKept(index) ? whole(change) : undefined));
  }

  /** Every number once, in an order in which the first ones are spread over all kinds. */
  *numbers(): Generator<number> {
    const { count } = this;
    const step = coprimeStep(count);
    for (let i = 0; i < count; i++) yield (i * step) % count;
  }

  #subset(number: number, random: () => number): (index: number) => boolean {
    const { length } = this.#changes;
    if (length <= ALL_SUBSETS_MAX) return (index) => ((number >> index) & 1) === 1;
    if (number === 0) return () => false;
    if (number > SUBSETS_PER_CHANGE * length) return () => random() < 0.5;
    const at = Math.floor((number - 1) / SUBSETS_PER_CHANGE);
    switch ((number - 1) % SUBSETS_PER_CHANGE) {
      case 0:
        return (index) => index === at;
      case 1:
        return (index) => index !== at;
      default:
        return (index) => index <= at;
    }
  }

  /** One write torn, with all others there, with none, and with a random part of them. */
  #torn(number: number, random: () => number): Fates {
    const { index, cut } = this.#tears[Math.floor(number / (SIDES * SHARES.length))]!;
    const side = Math.floor(number / SHARES.length) % SIDES;
    const share = SHARES[number % SHARES.length]!;
    return this.#changes.map((change, at) => {
      if (at !== index) return random() < share ? whole(change) : undefined;
      return side === 0 ? { from: 0, to: cut } : { from: cut, to: change.bytes };
    });
  }
}

/** Steps of this size come to every number below `count` once, the first ones far apart. */
function coprimeStep(count: number): number {
  const isCoprime = (step: number): boolean => {
    let [a, b] = [count, step];
    while (b !== 0) [a, b] = [b, a % b];
    return a === 1;
  };
  let step = Math.max(1, Math.round(count * GOLDEN));
  while (!isCoprime(step)) step++;
  return step;
}
