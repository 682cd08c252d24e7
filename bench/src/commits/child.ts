/**
 * One run of the suite `commits` in a process of its own. At depth 1 every kind takes turns with a
 * bare write and `fdatasync`, a few of each at a time, so that all see the same disk; deeper, so
 * many puts are kept under way. First for as long without counting: code is compiled meanwhile.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BareLog } from '../bare-log.js';
import { openStore } from '../engines/open-store.js';
import type { Store } from '../engines/store.js';
import { serveIsolated } from '../isolated.js';
import { latencyFigures } from '../latencies.js';
import { Random } from '../random.js';
import { withScratch } from '../scratch.js';
import { BUFFER_BYTES, CACHE_BYTES } from '../sizes.js';
import {
  KEY_BYTES,
  LOG_BYTES,
  VALUE_BYTES,
  type CommitKind,
  type CommitsMeasures,
  type CommitsParameters,
  type KindFigures,
} from './run.js';

const WARM_UP_SHARE = 1;
/** So many of one kind in a row. */
const TURN = 20;
const KEY_NUMBERS = 0x4000_0000;
const US_PER_MS = 1e3;
const MS_PER_SECOND = 1e3;

class Commits {
  readonly #store: Store;
  readonly #log: BareLog;
  readonly #random = new Random(7);
  readonly #key = Buffer.alloc(KEY_BYTES);
  readonly #value = this.#random.bytes(VALUE_BYTES);

  constructor(store: Store, log: BareLog) {
    this.#store = store;
    this.#log = log;
  }

  /** In the same Buffer every time: engines copy it at once. */
  #nextKey(): Buffer {
    this.#key.writeUInt32BE(this.#random.below(KEY_NUMBERS), 0);
    return this.#key;
  }

  async #turn(kind: CommitKind, latenciesUs: number[]): Promise<void> {
    for (let i = 0; i < TURN; i++) {
      const key = this.#nextKey();
      const started = performance.now();
      if (kind === 'bare') this.#log.append();
      else if (kind === 'put') await this.#store.put(key, this.#value);
      else this.#store.putSync!(key, this.#value);
      latenciesUs.push((performance.now() - started) * US_PER_MS);
    }
  }

  async inTurns(kinds: readonly CommitKind[], durationMs: number) {
    const latenciesUs = new Map(kinds.map((kind) => [kind, [] as number[]]));
    const end = performance.now() + durationMs;
    do {
      for (const kind of kinds) await this.#turn(kind, latenciesUs.get(kind)!);
    } while (performance.now() < end);
    const figures = kinds.map((kind): [CommitKind, KindFigures] => {
      const ofKind = latenciesUs.get(kind)!;
      const sumMs = ofKind.reduce((sum, latencyUs) => sum + latencyUs / US_PER_MS, 0);
      return [kind, figuresOf(ofKind, sumMs)];
    });
    return Object.fromEntries(figures);
  }

  /** Keeps `depth` puts under way; the clock stops when the last one is done. */
  async atDepth(depth: number, durationMs: number): Promise<KindFigures> {
    const latenciesUs: number[] = [];
    const first = performance.now();
    const end = first + durationMs;
    const client = async (): Promise<void> => {
      do {
        const started = performance.now();
        await this.#store.put(this.#nextKey(), this.#value);
        latenciesUs.push((performance.now() - started) * US_PER_MS);
      } while (performance.now() < end);
    };
    await Promise.all(Array.from({ length: depth }, client));
    return figuresOf(latenciesUs, performance.now() - first);
  }
}

function figuresOf(latenciesUs: readonly number[], elapsedMs: number): KindFigures {
  return {
    commitsPerSecond: (latenciesUs.length / elapsedMs) * MS_PER_SECOND,
    ...latencyFigures(latenciesUs),
  };
}

async function measure(
  commits: Commits,
  { depth, kinds }: CommitsParameters,
  durationMs: number,
): Promise<CommitsMeasures['byKind']> {
  if (depth === 1) return commits.inTurns(kinds, durationMs);
  return { put: await commits.atDepth(depth, durationMs) };
}

serveIsolated((parameters: CommitsParameters): Promise<CommitsMeasures> => {
  return withScratch(parameters.directory, async (scratch) => {
    const directory = join(scratch, 'database');
    mkdirSync(directory);
    const store = await openStore({
      ...parameters,
      directory,
      families: 1,
      cacheBytes: CACHE_BYTES,
      bufferBytes: BUFFER_BYTES,
      addedSyncLatencyUs: 0,
    });
    const log = new BareLog(scratch, LOG_BYTES);
    const commits = new Commits(store, log);
    await measure(commits, parameters, parameters.durationMs * WARM_UP_SHARE);
    const byKind = await measure(commits, parameters, parameters.durationMs);
    log.close();
    await store.settle();
    await store.close();
    return { facts: store.facts, byKind };
  });
});
