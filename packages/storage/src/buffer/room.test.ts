/**
 * Hostile fills: whatever the operations look like, a buffer that says it has room has it
 * (`takeUnits` and `add` assert it), and it is not far too careful.
 */
import { describe, expect, it } from 'vitest';
import { BUFFER_KEYS, hashSlotCount } from '../layout/write-buffer.js';
import { KEY_BYTES_MAX, KIB, MIB } from '../limits.js';
import { seededRandom, utf8 } from '../tree/testing/history.js';
import { LEAF_ENTRIES } from './ordered-node.js';
import { checkBuffer } from './testing/check-index.js';
import { type Random, below } from './testing/history.js';
import {
  type TestOperation,
  type TestPayload,
  addPayload,
  payloadOf,
} from './testing/operations.js';
import { WriteBuffer } from './write-buffer.js';

function key32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function put(family: number, key: Uint8Array, valueBytes = 0): TestOperation {
  return { kind: 'put', family, key, value: new Uint8Array(valueBytes) };
}

interface Shape {
  /** Operations of commit `index`. */
  readonly commit: (index: number, random: Random) => TestOperation[];
  /** Share of the block that is used at least when the buffer says it is full. */
  readonly usedMin: number;
}

const BATCH = 50;
const NO_BYTES = new Uint8Array(0);

function batch(make: (step: number) => TestOperation): (index: number) => TestOperation[] {
  return (index) => Array.from({ length: BATCH }, (_, i) => make(index * BATCH + i));
}

/** Ascending keys with gaps first, then single keys into the gaps: every one splits a leaf. */
function fullLeavesThenGaps(index: number): TestOperation[] {
  const leaves = 20;
  const first = leaves * LEAF_ENTRIES;
  if (index < leaves) {
    return Array.from({ length: LEAF_ENTRIES }, (_, i) => {
      return put(1, key32((index * LEAF_ENTRIES + i) * 1000));
    });
  }
  const round = index - leaves;
  if (round * 2 >= LEAF_ENTRIES) return batch((step) => put(1, key32(first * 1000 + step)))(index);
  return Array.from({ length: leaves }, (_, leaf) => {
    return put(1, key32((leaf * LEAF_ENTRIES + round * 2) * 1000 + 1));
  });
}

const shapes: Record<string, Shape> = {
  'minimal keys, ascending': { commit: batch((step) => put(1, key32(step))), usedMin: 0.5 },
  'minimal keys, one by one': { commit: (index) => [put(1, key32(index))], usedMin: 0.5 },
  'minimal keys, descending': {
    commit: batch((step) => put(1, key32(0x7fffffff - step))),
    usedMin: 0.5,
  },
  'minimal keys, random': {
    commit: (_index, random) => batch(() => put(1, key32(below(random, 2 ** 32))))(0),
    usedMin: 0.5,
  },
  'keys of maximum length': {
    commit: (index, random) => {
      const key = new Uint8Array(KEY_BYTES_MAX).fill(7);
      key.set(key32(below(random, 2 ** 32)), index % 2 === 0 ? 0 : KEY_BYTES_MAX - 4);
      return [put(1, key)];
    },
    usedMin: 0.9,
  },
  'values of 100 bytes, ascending': {
    commit: batch((step) => put(1, key32(step), 100)),
    usedMin: 0.8,
  },
  'one key many times': { commit: batch(() => put(1, key32(1))), usedMin: 0.6 },
  'one key, a version each': { commit: () => [put(1, key32(1))], usedMin: 0.8 },
  'a new family each operation': { commit: (index) => [put(index, NO_BYTES)], usedMin: 0.8 },
  'new families in batches': { commit: batch((step) => put(step, NO_BYTES)), usedMin: 0.5 },
  'families without keys': {
    commit: batch((step) => ({ kind: 'create', family: step })),
    usedMin: 0.2,
  },
  'full leaves, then a key into each': { commit: fullLeavesThenGaps, usedMin: 0.4 },
  'deletes only': {
    commit: batch((step) => ({ kind: 'delete', family: step % 3, key: key32(step * 7) })),
    usedMin: 0.4,
  },
};

/** Bytes that a payload could be longer and still fit, by the buffer's account. */
function slackBytes(buffer: WriteBuffer, payload: TestPayload): number {
  const { start, end, operationCount, clearCount } = payload;
  let [fitting, tooMany] = [0, buffer.capacityBytes];
  while (tooMany - fitting > 1) {
    const extra = (fitting + tooMany) >> 1;
    if (buffer.hasRoom(end - start + extra, operationCount, clearCount)) fitting = extra;
    else tooMany = extra;
  }
  return fitting;
}

function isRoomFor(buffer: WriteBuffer, payload: TestPayload): boolean {
  const { start, end, operationCount, clearCount } = payload;
  return buffer.hasRoom(end - start, operationCount, clearCount);
}

describe.each([64 * KIB, 200 * KIB - 32, MIB])('a block of %i bytes', (blockBytes) => {
  it.each(Object.keys(shapes))('takes %s until it says it is full', (name) => {
    const { commit, usedMin } = shapes[name];
    const random = seededRandom(name.length);
    const buffer = new WriteBuffer(new ArrayBuffer(blockBytes));
    let commits = 0;
    for (;;) {
      const payload = payloadOf(commit(commits, random));
      if (commits === 0) {
        const { start, end, operationCount, clearCount } = payload;
        const fits = WriteBuffer.fits(blockBytes, end - start, operationCount, clearCount);
        expect(isRoomFor(buffer, payload)).toBe(fits);
      }
      // The account before is kept afterwards: at every commit, not only when the block is full.
      const slack = isRoomFor(buffer, payload) ? slackBytes(buffer, payload) : 0;
      if (!addPayload(buffer, payload, commits + 1)) break;
      expect(buffer.capacityBytes - buffer.usedBytes).toBeGreaterThanOrEqual(slack);
      expect(buffer.words[BUFFER_KEYS]).toBeLessThanOrEqual((hashSlotCount(blockBytes) / 4) * 3);
      commits += 1;
    }
    checkBuffer(buffer);
    if (blockBytes >= MIB) expect(buffer.usedBytes / buffer.capacityBytes).toBeGreaterThan(usedMin);
  });
});

describe('one commit for a whole block', () => {
  const blockBytes = 256 * KIB;

  /** The largest commit of this shape that `fits` allows. */
  function largest(make: (step: number) => TestOperation): TestPayload {
    let [fitting, tooMany] = [0, 1 << 15];
    while (tooMany - fitting > 1) {
      const count = (fitting + tooMany) >> 1;
      const { start, end, operationCount, clearCount } = payloadOf(
        Array.from({ length: count }, (_, i) => make(i)),
      );
      const fits = WriteBuffer.fits(blockBytes, end - start, operationCount, clearCount);
      if (fits) fitting = count;
      else tooMany = count;
    }
    return payloadOf(Array.from({ length: fitting }, (_, i) => make(i)));
  }

  it.each<[string, (step: number) => TestOperation]>([
    ['ascending', (step) => put(1, key32(step))],
    ['descending', (step) => put(1, key32(0x7fffffff - step))],
    ['scattered', (step) => put(1, key32(Math.imul(step, 0x9e3779b1) >>> 0))],
    ['families', (step) => put(step, NO_BYTES)],
    ['outside in', (step) => put(1, key32(step % 2 === 0 ? step : 0x7fffffff - step))],
    ['inside out', (step) => put(1, key32(step % 2 === 0 ? 2 ** 31 - step : 2 ** 31 + step))],
  ])('of %s keys fits when it is said to fit', (_name, make) => {
    const payload = largest(make);
    expect(payload.operationCount).toBeGreaterThan(100);
    const buffer = new WriteBuffer(new ArrayBuffer(blockBytes));
    expect(addPayload(buffer, payload, 1)).toBe(true);
    checkBuffer(buffer);
  });

  it('is judged by the number of its families when the caller knows it', () => {
    const [payloadBytes, operationCount] = [16 * KIB, 1000];
    expect(WriteBuffer.fits(blockBytes, payloadBytes, operationCount, 0)).toBe(false);
    expect(WriteBuffer.fits(blockBytes, payloadBytes, operationCount, 0, 1)).toBe(true);
  });
});

describe('ascending keys', () => {
  it('fill the leaves', () => {
    const buffer = new WriteBuffer(new ArrayBuffer(4 * MIB));
    const count = LEAF_ENTRIES * 50;
    const name = (step: number) => utf8(`key/${String(step).padStart(12, '0')}`);
    const operations = Array.from({ length: count }, (_, step) => put(1, name(step)));
    expect(addPayload(buffer, payloadOf(operations), 1)).toBe(true);
    const indexBytes = buffer.usedBytes - (payloadOf(operations).end - 8);
    // A key node each, 50 leaves, two branches and their root, two units for the family.
    expect(indexBytes).toBe(count * 32 + 53 * 512 + 64);
  });
});
