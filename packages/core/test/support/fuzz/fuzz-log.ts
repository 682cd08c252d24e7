/**
 * Whole logs: real ones with blocks, records and operations changed and every checksum in order
 * again, read by the engine's scan; a share of them is opened with the whole engine, so that what
 * replays them gets them too.
 */
import {
  BLOCK_HEADER_BYTES,
  DATA_FILE_NAME,
  OperationCursor,
  SEGMENT_HEADER_BYTES,
  blockSeed,
  checksum,
  readU32,
  scanLog,
  writeU32,
} from '@manifold-db/storage';
import { AllocationMeter } from '../damage/allocation-meter.js';
import { MemoryFiles } from '../damage/memory-files.js';
import { blocksOf, type BlockPlace } from '../damage/shrink.js';
import { smallDatabase, type SmallDatabase } from '../damage/small-databases.js';
import { SIMULATED_PATH } from '../simulator.js';
import { below, pick, untypedProblem, type Area, type Fuzzer } from './fuzzer.js';
import { garbage, mutate } from './mutate.js';
import { openProblem } from './open-files.js';

const PAYLOAD_BYTES_OFFSET = 8;
const PAYLOAD_CRC_OFFSET = 48;
const BLOCK_CRC_OFFSET = 60;
const SEGMENT_CRC_OFFSET = 48;
const SALT_OFFSET = 20;
const RECORD_HEADER_BYTES = 32;
const READS_MAX = 20_000;
/** The window and the fragments of one scan beside four times the files. */
const ROOM_BYTES = 256 * 1024;
const MEMORY_FACTOR_MAX = 4;
const GARBAGE_SHARE = 0.05;
const OPENED_SHARE = 1 / 400;

interface Segment {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly blocks: readonly BlockPlace[];
}

export class LogFuzzer implements Fuzzer {
  readonly #database: SmallDatabase;
  readonly #segments: readonly Segment[];
  readonly #fileBytes: number;
  readonly #cursor = new OperationCursor();

  constructor(database: SmallDatabase) {
    this.#database = database;
    this.#fileBytes = database.bytes;
    this.#segments = [...database.files]
      .filter(([name]) => name !== DATA_FILE_NAME)
      .map(([name, bytes]) => ({ name, bytes, blocks: blocksOf(bytes) }));
  }

  async one(random: () => number): Promise<string | undefined> {
    const segment = pick(random, this.#segments);
    const bytes = segment.bytes.slice();
    if (random() < GARBAGE_SHARE) garbage(random, bytes.subarray(SEGMENT_HEADER_BYTES));
    else changeSegment(random, bytes, segment.blocks);
    const files = new Map(this.#database.files).set(segment.name, bytes);
    const problem = this.#scan(files);
    if (problem !== undefined || random() > OPENED_SHARE) return problem;
    return openProblem(files);
  }

  #scan(files: ReadonlyMap<string, Uint8Array>): string | undefined {
    const { databaseId, sequence: fromSequence, walSegmentNumber } = this.#database.meta;
    const { vfs } = new MemoryFiles(files, READS_MAX);
    const options = { databaseId, fromSequence, oldestSegment: walSegmentNumber };
    const meter = new AllocationMeter();
    try {
      scanLog(vfs, SIMULATED_PATH, options, {
        transaction: (sequence, _operations, payload) => {
          this.#cursor.reset(payload, 0, payload.length, `commit ${sequence}`);
          while (this.#cursor.next());
        },
      });
    } catch (error) {
      const problem = untypedProblem(error);
      if (problem !== undefined) return problem;
    } finally {
      meter.stop();
    }
    const bytesMax = MEMORY_FACTOR_MAX * this.#fileBytes + ROOM_BYTES;
    return meter.bytes > bytesMax
      ? `${meter.bytes} bytes of memory, at most ${bytesMax}`
      : undefined;
  }
}

/** Changes a header, a record or an operation of some blocks, and mends all checksums. */
function changeSegment(
  random: () => number,
  bytes: Uint8Array,
  blocks: readonly BlockPlace[],
): void {
  const roll = random();
  if (blocks.length === 0 || roll < 0.05) {
    mutate(random, bytes, 0, SEGMENT_CRC_OFFSET);
    writeU32(bytes, SEGMENT_CRC_OFFSET, checksum(bytes.subarray(0, SEGMENT_CRC_OFFSET)));
    return;
  }
  for (let count = roll < 0.8 ? 1 : 1 + below(random, 3); count > 0; count--) {
    const { offset, header } = pick(random, blocks);
    const payload = offset + BLOCK_HEADER_BYTES;
    const end = payload + header.payloadBytes;
    const where = header.payloadBytes === 0 ? 0 : random();
    if (where < 0.3) mutate(random, bytes, offset, payload);
    else if (where < 0.55) mutate(random, bytes, payload, payload + RECORD_HEADER_BYTES);
    else if (where < 0.8)
      mutate(random, bytes, payload + RECORD_HEADER_BYTES, Math.min(end, payload + 120));
    else mutate(random, bytes, payload, end);
    sealBlock(bytes, offset);
  }
}

/** Checksums as the header now has it, as far as it lies in the file. */
export function sealBlock(bytes: Uint8Array, offset: number): void {
  const seed = blockSeed(readU32(bytes, SALT_OFFSET), offset);
  const payload = offset + BLOCK_HEADER_BYTES;
  const payloadBytes = readU32(bytes, offset + PAYLOAD_BYTES_OFFSET);
  const end = Math.min(bytes.length, payload + payloadBytes);
  const crc = payloadBytes === 0 ? 0 : checksum(bytes.subarray(payload, end), seed);
  writeU32(bytes, offset + PAYLOAD_CRC_OFFSET, crc);
  const header = bytes.subarray(offset, offset + BLOCK_CRC_OFFSET);
  writeU32(bytes, offset + BLOCK_CRC_OFFSET, checksum(header, seed));
}

/** Several logs in turn. */
class Several implements Fuzzer {
  readonly #fuzzers: readonly Fuzzer[];

  constructor(fuzzers: readonly Fuzzer[]) {
    this.#fuzzers = fuzzers;
  }

  one(random: () => number) {
    return pick(random, this.#fuzzers).one(random);
  }
}

export const LOGS: Area = {
  name: 'logs',
  perRound: 40,
  make: async (seed) => {
    const fuzzers: Fuzzer[] = [];
    for (const name of ['new', 'few', 'reopened']) {
      fuzzers.push(new LogFuzzer(await smallDatabase(name, seed)));
    }
    return new Several(fuzzers);
  },
};
