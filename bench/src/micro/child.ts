/**
 * Runs the micro-benchmarks: benny drives them. In a process of its own, because benny greets on
 * stdout, which belongs to the report.
 */
import { crc32 } from 'node:zlib';
import { add, suite } from 'benny';
import { checksum } from '@manifold-db/storage';
import { serveIsolated } from '../isolated.js';
import { Random, shuffled } from '../random.js';
import { BufferPart } from './buffer-part.js';
import { RingPart, TreePart } from './engine-parts.js';
import { KeyPart } from './key-part.js';

const OPERATIONS = 1000;
const TREE_ENTRIES = 200_000;
const BUFFER_ENTRIES = 100_000;
const SEED = 31;
const BLOCK_BYTES = 160_000;
const PAGE_BYTES = 4096;
const QUICK_OPTIONS = { minSamples: 2, maxTime: 0.05 };
const OPTIONS = { minSamples: 20, maxTime: 2 };

export interface MicroParameters {
  readonly quick: boolean;
}

/** Seconds of one call, which does so many operations. */
export interface MicroMeasures {
  readonly name: string;
  readonly operations: number;
  readonly medianSeconds: number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly samples: number;
}

interface MicroCase {
  readonly name: string;
  readonly operations: number;
  readonly run: () => unknown;
}

function repeat(run: () => number): () => number {
  return () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) sum += run();
    return sum;
  };
}

function createCases(): MicroCase[] {
  const ring = new RingPart();
  const inserts = new TreePart();
  const gets = new TreePart();
  gets.prepareGets(TREE_ENTRIES);
  const ascending = new BufferPart(BUFFER_ENTRIES, false);
  const random = new BufferPart(BUFFER_ENTRIES, true);
  const finds = new BufferPart(BUFFER_ENTRIES, true);
  finds.fill();
  const order = shuffled(TREE_ENTRIES, SEED);
  const page = new Random(SEED).bytes(PAGE_BYTES);
  const block = new Random(SEED).bytes(BLOCK_BYTES);
  const keys = new KeyPart(OPERATIONS);
  return [
    { name: 'ring append', operations: OPERATIONS, run: () => ring.append(OPERATIONS) },
    {
      name: 'tree insert, ascending',
      operations: TREE_ENTRIES,
      run: () => inserts.insert(TREE_ENTRIES),
    },
    {
      name: 'tree insert, random',
      operations: TREE_ENTRIES,
      run: () => inserts.insert(TREE_ENTRIES, order),
    },
    { name: 'tree search, random', operations: OPERATIONS, run: () => gets.get(OPERATIONS) },
    { name: 'buffer insert, ascending', operations: BUFFER_ENTRIES, run: () => ascending.fill() },
    { name: 'buffer insert, random', operations: BUFFER_ENTRIES, run: () => random.fill() },
    { name: 'buffer find, hit', operations: OPERATIONS, run: () => finds.find(OPERATIONS) },
    { name: 'checksum of a page', operations: OPERATIONS, run: repeat(() => checksum(page)) },
    { name: 'checksum of 160 kB', operations: OPERATIONS, run: repeat(() => checksum(block)) },
    { name: 'crc32 of a page (zlib)', operations: OPERATIONS, run: repeat(() => crc32(page)) },
    { name: 'key encode, utf8', operations: OPERATIONS, run: () => keys.utf8() },
    { name: 'key encode, buffer', operations: OPERATIONS, run: () => keys.buffer() },
    { name: 'key encode, ordered', operations: OPERATIONS, run: () => keys.ordered() },
  ];
}

serveIsolated(async ({ quick }: MicroParameters): Promise<MicroMeasures[]> => {
  const cases = createCases();
  const options = quick ? QUICK_OPTIONS : OPTIONS;
  const { results } = await suite(
    'micro',
    ...cases.map(({ name, run }) => add(name, run, options)),
  );
  return cases.map(({ name, operations }) => {
    const { details, samples } = results.find((result) => result.name === name)!;
    return {
      name,
      operations,
      medianSeconds: details.median,
      minSeconds: details.min,
      maxSeconds: details.max,
      samples,
    };
  });
});
