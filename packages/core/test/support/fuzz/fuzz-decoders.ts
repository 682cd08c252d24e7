/**
 * Each decoder of the formats by itself: raw garbage, and real content changed with its checksum in
 * order again, so that what stands behind the checksum is reached.
 */
import {
  BLOCK_HEADER_BYTES,
  DATA_FILE_NAME,
  OperationCursor,
  PAGE_HEADER_KIND,
  PageKind,
  SEGMENT_HEADER_BYTES,
  checkPage,
  checksum,
  decodeCatalogKey,
  decodeCatalogValue,
  decodeFreeMapDirectory,
  decodeFreeMapPage,
  decodeMeta,
  decodeSegmentHeader,
  encodeCatalogKey,
  encodeCatalogValue,
  metaSlot,
  newBlockHeader,
  readBlockHeader,
  recordProblem,
  sealPage,
  writeU32,
} from '@manifold-db/storage';
import { blocksOf } from '../damage/shrink.js';
import { smallDatabase, type SmallDatabase } from '../damage/small-databases.js';
import { below, decoderProblem, pick, type Area, type Fuzzer } from './fuzzer.js';
import { garbage, mutate } from './mutate.js';

interface Decoder {
  /** Real content. */
  readonly sample: Uint8Array;
  /** Puts the checksum in order. */
  seal?(bytes: Uint8Array): void;
  decode(bytes: Uint8Array): void;
}

const PATH = 'fuzzed';
const SEGMENT_CRC_OFFSET = 48;
const BLOCK_CRC_OFFSET = 60;
const GARBAGE_SHARE = 0.15;
const SEED = 0x1234;

class DecoderFuzzer implements Fuzzer {
  readonly #decoders: readonly Decoder[];

  constructor(decoders: readonly Decoder[]) {
    this.#decoders = decoders;
  }

  one(random: () => number): string | undefined {
    const { sample, seal, decode } = pick(random, this.#decoders);
    const isShort = random() < 0.1;
    const bytes = sample.slice(0, isShort ? below(random, sample.length + 1) : sample.length);
    if (random() < GARBAGE_SHARE) garbage(random, bytes);
    else mutate(random, bytes, 0, bytes.length);
    if (!isShort && random() < 0.9) seal?.(bytes);
    return decoderProblem(() => decode(bytes));
  }
}

function pageDecoders({ files, meta }: SmallDatabase): Decoder[] {
  const data = files.get(DATA_FILE_NAME)!;
  const page = (number: number) =>
    data.slice(number * meta.pageBytes, (number + 1) * meta.pageBytes);
  const kindOf = (number: number) => page(number)[PAGE_HEADER_KIND]!;
  const decoders: Decoder[] = [];
  const slot = metaSlot(meta.metaGeneration);
  decoders.push({
    // Behind the fields there are only zeros.
    sample: page(slot),
    seal: (bytes) => sealPage(bytes, slot),
    decode: (bytes) => void decodeMeta(bytes, slot, PATH),
  });
  for (let number = 2; number < meta.pageCount; number++) {
    const kind = kindOf(number);
    const isMap = kind === PageKind.FREE_MAP || kind === PageKind.FREE_MAP_DIRECTORY;
    if (!isMap) continue;
    decoders.push({
      sample: page(number),
      seal: (bytes) => sealPage(bytes, number),
      decode: (bytes) => {
        if (checkPage(bytes, number, undefined) !== undefined) return;
        if (kind === PageKind.FREE_MAP) decodeFreeMapPage(bytes, 0, PATH);
        else decodeFreeMapDirectory(bytes, PATH);
      },
    });
    if (decoders.length > 4) break;
  }
  return decoders;
}

function logDecoders({ files }: SmallDatabase): Decoder[] {
  const [, log] = [...files].find(([, bytes]) => blocksOf(bytes).length > 0)!;
  const { offset, header } = blocksOf(log).find(({ header: { recordCount } }) => recordCount > 0)!;
  const payloadAt = offset + BLOCK_HEADER_BYTES;
  const payload = log.slice(payloadAt, payloadAt + header.payloadBytes);
  const into = newBlockHeader();
  const cursor = new OperationCursor();
  return [
    {
      sample: log.slice(0, SEGMENT_HEADER_BYTES),
      seal: (bytes) => {
        writeU32(bytes, SEGMENT_CRC_OFFSET, checksum(bytes.subarray(0, SEGMENT_CRC_OFFSET)));
      },
      decode: (bytes) => void decodeSegmentHeader(bytes, PATH),
    },
    {
      sample: log.slice(offset, payloadAt),
      seal: (bytes) => {
        const crc = checksum(bytes.subarray(0, BLOCK_CRC_OFFSET), SEED);
        writeU32(bytes, BLOCK_CRC_OFFSET, crc);
      },
      decode: (bytes) => void readBlockHeader(bytes, 0, SEED, into),
    },
    { sample: payload, decode: (bytes) => void recordProblem(bytes, 0, bytes.length) },
    {
      // Behind the header of its first record.
      sample: payload.slice(32),
      decode: (bytes) => {
        cursor.reset(bytes, 0, bytes.length, PATH);
        for (let count = 0; cursor.next(); count++) {
          if (count > bytes.length) throw new Error('the operations never end');
          if (cursor.keyOffset + cursor.keyBytes > bytes.length) throw new Error('a key outside');
          if (cursor.valueOffset + cursor.valueBytes > bytes.length) throw new Error('a value');
        }
      },
    },
  ];
}

function catalogDecoders(): Decoder[] {
  const entry = { rootPage: 7, rootBirth: 8, entryCount: 9, flags: 0, name: 'päge' };
  return [
    { sample: encodeCatalogKey(5), decode: (bytes) => void decodeCatalogKey(bytes, PATH) },
    {
      sample: encodeCatalogValue(entry),
      decode: (bytes) => void decodeCatalogValue(bytes, PATH),
    },
  ];
}

export const DECODERS: Area = {
  name: 'decoders',
  perRound: 40,
  make: async (seed) => {
    const database = await smallDatabase('few', seed);
    return new DecoderFuzzer([
      ...pageDecoders(database),
      ...logDecoders(database),
      ...catalogDecoders(),
    ]);
  },
};
