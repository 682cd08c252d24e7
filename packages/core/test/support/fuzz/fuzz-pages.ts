/**
 * Pages of real data files, changed and sealed again, so that every check passes but those that a
 * decoder makes itself: read through the pager by cursors and look-ups, checked by the page
 * checker; a share of the files is opened with the whole engine, whose log is replayed on top.
 */
import { DATA_FILE_NAME, metaSlot, sealPage } from '@manifold-db/storage';
import { AllocationMeter } from '../damage/allocation-meter.js';
import { Expectations } from '../damage/expectation.js';
import { QuickCheck, WrongAnswer } from '../damage/quick-check.js';
import { smallDatabase, type SmallDatabase } from '../damage/small-databases.js';
import { below, pick, untypedProblem, type Area, type Fuzzer } from './fuzzer.js';
import { garbage, mutate } from './mutate.js';
import { openProblem } from './open-files.js';

const PAGE_HEADER_BYTES = 32;
const META_END = 152;
const MEMORY_FACTOR_MAX = 4;
const ROOM_BYTES = 256 * 1024;
const GARBAGE_SHARE = 0.03;
const OPENED_SHARE = 1 / 100;

class PageFuzzer implements Fuzzer {
  readonly #database: SmallDatabase;
  readonly #check: QuickCheck;
  readonly #pages: readonly number[];

  constructor(database: SmallDatabase) {
    this.#database = database;
    this.#check = new QuickCheck(database);
    const expectations = new Expectations(database);
    const pages = Array.from({ length: database.meta.pageCount }, (_, page) => page);
    this.#pages = pages.filter((page) => page > 1 && expectations.isPageInUse(page));
  }

  async one(random: () => number): Promise<string | undefined> {
    const { files: whole, meta, bytes: fileBytes } = this.#database;
    const isMeta = random() < 0.1;
    const number = isMeta ? metaSlot(meta.metaGeneration) : pick(random, this.#pages);
    const data = whole.get(DATA_FILE_NAME)!.slice();
    const page = data.subarray(number * meta.pageBytes, (number + 1) * meta.pageBytes);
    change(random, page, isMeta);
    sealPage(page, number);
    const files = new Map(whole).set(DATA_FILE_NAME, data);
    const meter = new AllocationMeter();
    try {
      this.#check.data(files);
    } catch (error) {
      // What is sealed with wrong content is not found out, and need not be.
      const problem = error instanceof WrongAnswer ? undefined : untypedProblem(error);
      if (problem !== undefined) return problem;
    } finally {
      meter.stop();
    }
    const bytesMax = MEMORY_FACTOR_MAX * fileBytes + ROOM_BYTES;
    if (meter.bytes > bytesMax) return `${meter.bytes} bytes of memory, at most ${bytesMax}`;
    return random() < OPENED_SHARE ? openProblem(files) : undefined;
  }
}

function change(random: () => number, page: Uint8Array, isMeta: boolean): void {
  const roll = random();
  if (isMeta) mutate(random, page, PAGE_HEADER_BYTES, META_END);
  else if (roll < GARBAGE_SHARE) garbage(random, page.subarray(PAGE_HEADER_BYTES));
  else if (roll < 0.3) mutate(random, page, 14, PAGE_HEADER_BYTES + 16);
  else if (roll < 0.6) mutate(random, page, PAGE_HEADER_BYTES, PAGE_HEADER_BYTES + 128);
  else {
    // Cells stand at the end of the page.
    const from = below(random, page.length - PAGE_HEADER_BYTES) + PAGE_HEADER_BYTES;
    mutate(random, page, from & -4, Math.min(page.length, from + 256));
  }
}

class Several implements Fuzzer {
  readonly #fuzzers: readonly Fuzzer[];

  constructor(fuzzers: readonly Fuzzer[]) {
    this.#fuzzers = fuzzers;
  }

  one(random: () => number) {
    return pick(random, this.#fuzzers).one(random);
  }
}

export const PAGES: Area = {
  name: 'pages',
  perRound: 10,
  make: async (seed) => {
    const fuzzers: Fuzzer[] = [];
    for (const name of ['few', 'overflow', 'idle']) {
      fuzzers.push(new PageFuzzer(await smallDatabase(name, seed)));
    }
    return new Several(fuzzers);
  },
};
