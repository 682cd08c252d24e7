/**
 * Clients that work on one store at a time, each with one operation under way. Records 0 to
 * `records.count - 1` were loaded; later ones are inserted between them, in no order.
 */
import type { Store } from '../engines/store.js';
import { Random } from '../random.js';
import type { Records } from '../records.js';
import { sumBytes } from '../sum.js';
import { operationAt, type YcsbWorkload } from './workloads.js';
import { Zipfian } from './zipfian.js';

const SCAN_LIMIT_MAX = 100;
const SHARES = 2 ** 30;
const US_PER_MS = 1e3;
/** A prime larger than any count of records: multiples of it reach every number once. */
const STEP = 2_147_483_647n;

export interface ClientFigures {
  readonly latenciesUs: readonly number[];
  readonly elapsedMs: number;
  readonly bytesSum: number;
}

export class Clients {
  readonly #store: Store;
  readonly #records: Records;
  readonly #zipfian: Zipfian;
  readonly #random = new Random(97);
  /** Inserts begun; those below `#inserted` are acknowledged. */
  #insertsBegun = 0;
  #inserted = 0;
  readonly #acknowledged = new Set<number>();
  #sum = 0;

  constructor(store: Store, records: Records) {
    this.#store = store;
    this.#records = records;
    this.#zipfian = new Zipfian(records.count);
  }

  #share(): number {
    return this.#random.below(SHARES) / SHARES;
  }

  #keyOf(item: number): Buffer {
    const { count } = this.#records;
    if (item < count) return this.#records.key(item);
    return this.#records.keyBetween(Number((BigInt(item - count) * STEP) % BigInt(count)));
  }

  /** Popular records lie scattered, as YCSB has them. */
  #chosen({ distribution }: YcsbWorkload): number {
    const { count } = this.#records;
    const rank = this.#zipfian.at(this.#share());
    if (distribution === 'latest') return count + this.#inserted - 1 - rank;
    return (Math.imul(rank, 0x9e3779b1) >>> 0) % count;
  }

  async #read(workload: YcsbWorkload): Promise<Buffer> {
    const key = this.#keyOf(this.#chosen(workload));
    const found = this.#store.get(key);
    const value = found instanceof Promise ? await found : found;
    if (value === undefined) throw new Error(`record ${key.toString()} was not found`);
    this.#sum += sumBytes(value);
    return key;
  }

  #put(key: Buffer): unknown {
    return this.#store.put(key, this.#records.value(this.#random.below(this.#records.count)));
  }

  async #insert(): Promise<void> {
    const number = this.#insertsBegun++;
    await this.#put(this.#keyOf(this.#records.count + number));
    this.#acknowledged.add(number);
    while (this.#acknowledged.delete(this.#inserted)) this.#inserted++;
  }

  async #scan(workload: YcsbWorkload): Promise<void> {
    const start = this.#keyOf(this.#chosen(workload));
    const limit = 1 + this.#random.below(SCAN_LIMIT_MAX);
    this.#sum += await this.#store.scan({ start, limit });
  }

  async #operate(workload: YcsbWorkload): Promise<void> {
    switch (operationAt(workload, this.#share())) {
      case 'read':
        await this.#read(workload);
        return;
      case 'update':
        await this.#put(this.#keyOf(this.#chosen(workload)));
        return;
      case 'readModifyWrite':
        await this.#put(await this.#read(workload));
        return;
      case 'insert':
        await this.#insert();
        return;
      case 'scan':
        await this.#scan(workload);
    }
  }

  /** The clock stops when the last operation is done. */
  async run(workload: YcsbWorkload, clients: number, durationMs: number): Promise<ClientFigures> {
    const latenciesUs: number[] = [];
    this.#sum = 0;
    const first = performance.now();
    const end = first + durationMs;
    const client = async (): Promise<void> => {
      let started = performance.now();
      do {
        await this.#operate(workload);
        const ended = performance.now();
        latenciesUs.push((ended - started) * US_PER_MS);
        started = ended;
      } while (started < end);
    };
    await Promise.all(Array.from({ length: clients }, client));
    return { latenciesUs, elapsedMs: performance.now() - first, bytesSum: this.#sum };
  }
}
