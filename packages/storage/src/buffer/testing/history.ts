/**
 * Random histories for tests of the write buffer: the same operations into a buffer and into the
 * oracle. Deterministic: everything comes from the seed.
 */
import { KEY_BYTES_MAX } from '../../limits.js';
import { utf8 } from '../../tree/testing/history.js';
import { WriteBuffer } from '../write-buffer.js';
import { type TestOperation, addOperations } from './operations.js';
import { BufferOracle } from './oracle.js';

export type Random = () => number;

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function numbered(value: number): Uint8Array {
  return utf8(`key:${String(value).padStart(10, '0')}`);
}

/** Ways to make keys; `step` counts the operations of the history. */
export const keyMakers: Record<string, (random: Random, step: number) => Uint8Array> = {
  'random numbers': (random) => numbered(below(random, 2000)),
  ascending: (random, step) => numbered(random() < 0.85 ? step : below(random, step + 1)),
  descending: (random, step) => {
    return numbered(1_000_000 - (random() < 0.85 ? step : below(random, step + 1)));
  },
  'several ascending runs': (random, step) => {
    return utf8(`run-${step % 5}/${String(step).padStart(8, '0')}${random() < 0.1 ? '+' : ''}`);
  },
  'short and empty': (random) => {
    return Uint8Array.from(
      { length: below(random, 4) },
      () => [0, 1, 127, 128, 255][below(random, 5)],
    );
  },
  'prefixes of each other': (random) => {
    const letters = random() < 0.5 ? '\0' : 'a';
    return utf8(letters.repeat(below(random, 60)) + (random() < 0.2 ? 'b' : ''));
  },
  'long keys': (random) => {
    const stem = `${below(random, 3)}`.repeat(KEY_BYTES_MAX - 24 + below(random, 20));
    return utf8(`${stem}${below(random, 150)}`);
  },
  'bytes of all kinds': (random) => {
    return Uint8Array.from({ length: 1 + below(random, 8) }, () => below(random, 256));
  },
};

export interface HistoryOptions {
  readonly makeKey: (random: Random, step: number) => Uint8Array;
  readonly families: number;
  readonly commits: number;
  readonly operationsMax: number;
  /** Most clears of the whole history. */
  readonly clearsMax: number;
  readonly firstSequence: number;
}

export class TestBuffer {
  readonly buffer: WriteBuffer;
  readonly oracle = new BufferOracle();
  /** Sequences of the commits, and of the gaps between them. */
  readonly sequences: number[] = [];
  readonly #random: Random;
  #step = 0;
  #clears = 0;
  readonly #dropped: Set<number>;

  /** `dropped`: families that are gone already; shared by buffers that follow one another. */
  constructor(blockBytes: number, random: Random, dropped = new Set<number>()) {
    this.#dropped = dropped;
    this.buffer = new WriteBuffer(new SharedArrayBuffer(blockBytes));
    this.#random = random;
  }

  run(options: HistoryOptions): void {
    let sequence = options.firstSequence;
    for (let i = 0; i < options.commits; i++) {
      // The same sequence now and then comes in two pieces; sequences may be missing.
      if (i > 0 && this.#random() < 0.85) sequence += this.#random() < 0.2 ? 2 : 1;
      const operations: TestOperation[] = [];
      const count = 1 + below(this.#random, options.operationsMax);
      for (let k = 0; k < count; k++) operations.push(...this.#operation(options));
      if (operations.length === 0) continue;
      if (!addOperations(this.buffer, operations, sequence)) return;
      this.oracle.add(operations, sequence);
      this.sequences.push(sequence);
    }
  }

  /** One operation, or none where the family is gone. */
  #operation(options: HistoryOptions): TestOperation[] {
    const random = this.#random;
    const family = 10 + below(random, options.families);
    if (this.#dropped.has(family)) return [];
    const key = options.makeKey(random, ++this.#step);
    const kind = random();
    if (kind < 0.75) {
      const value = Buffer.alloc(below(random, 40), below(random, 256));
      return [{ kind: 'put', family, key, value }];
    }
    if (kind < 0.98) return [{ kind: 'delete', family, key }];
    if (kind < 0.985) return [{ kind: 'create', family }];
    if (kind < 0.9855) {
      this.#dropped.add(family);
      return [{ kind: 'drop', family }];
    }
    if (this.#clears === options.clearsMax) return [];
    this.#clears += 1;
    const bounds = [key, options.makeKey(random, this.#step)].sort((a, b) => Buffer.compare(a, b));
    const low = random() < 0.2 ? undefined : bounds[0];
    const high = random() < 0.2 ? undefined : bounds[1];
    return [{ kind: 'clear', family, low, high }];
  }
}
