/**
 * Reads and scans against a sorted oracle: every range, direction and limit, in all key and value
 * encodings.
 */
import type {
  ColumnFamily,
  ColumnFamilyOptions,
  Entries,
  KeyRange,
  OrderedKey,
} from '@manifold-db/core';
import { describe, expect } from 'vitest';
import { openSmall } from './support/api-database.js';
import {
  Oracle,
  bufferOrder,
  orderedOrder,
  utf8Order,
  type KeyOrder,
} from './support/api-oracle.js';
import { Random, randomBytes, randomText } from './support/api-random.js';
import { inBuildModes } from './support/modes.js';

const ENTRIES = 300;
const RANGES = 100;

/** Bytes as text: comparing them as objects would take most of the test's time. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return `bytes ${value.toString('hex')}`;
  return Array.isArray(value) ? value.map(plain) : value;
}

interface Case<K, V> {
  readonly options: ColumnFamilyOptions<K, V>;
  readonly order: KeyOrder<K>;
  key(random: Random): K;
  value(random: Random): V;
  /** Whether the key may stand as a prefix. */
  isPrefix(key: K): boolean;
}

function orderedKey(random: Random, depth = 0): OrderedKey {
  const kind = random.below(depth < 3 ? 6 : 4);
  if (kind === 0) return random.chance(0.5);
  if (kind === 1) return random.pick([0, -1, 1, 0.5, -1e300, 1e300, 2 ** 53, Infinity, -Infinity]);
  if (kind === 2) return random.below(20) - 10;
  if (kind === 3) return random.chance(0.2) ? '' : randomText(random, 3);
  return Array.from({ length: random.below(3) }, () => orderedKey(random, depth + 1));
}

const always = (): boolean => true;
const text = {
  options: {},
  order: utf8Order,
  key: (random: Random) => randomText(random, 5),
  value: (random: Random) => (random.chance(0.1) ? '' : randomText(random, 400)),
  isPrefix: always,
} satisfies Case<string, string>;
const bytes: Case<Buffer, Buffer> = {
  options: { keyEncoding: 'buffer', valueEncoding: 'buffer' } as ColumnFamilyOptions<
    Buffer,
    Buffer
  >,
  order: bufferOrder,
  key: (random) => randomBytes(random, 6),
  value: (random) => randomBytes(random, random.chance(0.1) ? 6000 : 40).subarray(1),
  isPrefix: always,
};
const ordered: Case<OrderedKey, unknown> = {
  options: { keyEncoding: 'ordered', valueEncoding: 'json' },
  order: orderedOrder,
  key: (random) => orderedKey(random),
  value: (random) => random.pick([null, 0, 'x', [1, { a: 'b' }], { nested: { deep: [true] } }, '']),
  isPrefix: (key) => Array.isArray(key),
};
const packed: Case<string, unknown> = {
  ...text,
  options: { valueEncoding: 'msgpack' },
  value: (random) =>
    random.pick<unknown>([
      new Date(random.below(2 ** 31)),
      new Map([['k', random.below(100)]]),
      new Set([1, 2]),
      10n ** 30n,
      Buffer.from('bytes'),
      null,
      { plain: [1.5, 'text'] },
    ]),
};
const dated: Case<string, Date> = {
  ...text,
  options: {
    valueEncoding: {
      encode: (date) => date.toISOString(),
      decode: (encoded) => new Date(encoded.toString()),
    },
  },
  value: (random) => new Date(random.below(2 ** 31)),
};

describe.each([
  ['utf8', text],
  ['buffer', bytes],
  ['ordered and json', ordered],
  ['msgpack', packed],
  ['a codec', dated],
] as [string, Case<unknown, unknown>][])('encoding %s', (name, encoding) => {
  inBuildModes('answers as a sorted map does', async () => {
    const random = new Random(name.length);
    const db = await openSmall();
    const family = db.columnFamily('family', encoding.options as ColumnFamilyOptions<never, never>);
    const subject = family as unknown as ColumnFamily<unknown, unknown>;
    const oracle = new Oracle<unknown, unknown>(encoding.order);
    await fill(subject, oracle, encoding, random);
    expect(plain([...subject.entries()])).toEqual(plain(oracle.range()));
    for (let left = RANGES; left > 0; left--) checkRange(subject, oracle, encoding, random);
    for (let left = 50; left > 0; left--) await checkPoint(subject, oracle, encoding, random);
    for (let left = 10; left > 0; left--) {
      const { limit: _limit, reverse: _reverse, ...bounds } = randomRange(oracle, encoding, random);
      await subject.clear(bounds);
      oracle.clear(bounds);
      expect(plain([...subject.entries()])).toEqual(plain(oracle.range()));
      await fill(subject, oracle, encoding, random);
    }
  });
});

async function fill<K, V>(
  family: ColumnFamily<K, V>,
  oracle: Oracle<K, V>,
  encoding: Case<K, V>,
  random: Random,
): Promise<void> {
  const commits: Promise<unknown>[] = [];
  while (oracle.size < ENTRIES) {
    const key = encoding.key(random);
    const value = encoding.value(random);
    oracle.put(key, value);
    commits.push(family.put(key, value));
    if (!random.chance(0.2)) continue;
    const gone = random.pick(oracle.keys());
    oracle.delete(gone);
    commits.push(family.delete(gone));
  }
  await Promise.all(commits);
}

function randomKey<K, V>(oracle: Oracle<K, V>, encoding: Case<K, V>, random: Random): K {
  return random.chance(0.6) && oracle.size > 0 ? random.pick(oracle.keys()) : encoding.key(random);
}

function randomRange<K, V>(
  oracle: Oracle<K, V>,
  encoding: Case<K, V>,
  random: Random,
): KeyRange<K> {
  const range: KeyRange<K> = { reverse: random.chance(0.5) };
  if (random.chance(0.3)) range.limit = random.below(30);
  const key = randomKey(oracle, encoding, random);
  if (random.chance(0.2) && encoding.isPrefix(key)) return { ...range, prefix: key };
  if (random.chance(0.6)) range[random.pick(['gt', 'gte'] as const)] = key;
  if (random.chance(0.6)) {
    range[random.pick(['lt', 'lte'] as const)] = randomKey(oracle, encoding, random);
  }
  return range;
}

function checkRange<K, V>(
  family: ColumnFamily<K, V>,
  oracle: Oracle<K, V>,
  encoding: Case<K, V>,
  random: Random,
): void {
  const range = randomRange(oracle, encoding, random);
  const expected = oracle.range(range);
  expect(plain([...family.entries(range)])).toEqual(plain(expected));
  expect(plain([...family.keys(range)])).toEqual(plain(expected.map(([key]) => key)));
  expect(plain([...family.values(range)])).toEqual(plain(expected.map(([, value]) => value)));
  expect(family.count(range)).toBe(expected.length);

  const { limit: _limit, ...unlimited } = range;
  const walk: Entries<[K, V], K> = family.entries(unlimited);
  for (let left = 3; left > 0; left--) {
    const key = randomKey(oracle, encoding, random);
    walk.seek(key);
    const rest = oracle.from(key, unlimited);
    for (const entry of rest.slice(0, 4)) expect(plain(walk.next().value)).toEqual(plain(entry));
    if (rest.length < 4) expect(walk.next().done).toBe(true);
    // The end closes a walk: it cannot be sought again.
    if (rest.length < 4) return;
  }
  walk.close();
}

async function checkPoint<K, V>(
  family: ColumnFamily<K, V>,
  oracle: Oracle<K, V>,
  encoding: Case<K, V>,
  random: Random,
): Promise<void> {
  const keys = Array.from({ length: 8 }, () => randomKey(oracle, encoding, random));
  const expected = plain(keys.map((key) => oracle.get(key)));
  expect(plain(family.getMany(keys))).toEqual(expected);
  expect(plain(keys.map((key) => family.get(key)))).toEqual(expected);
  expect(keys.map((key) => family.has(key))).toEqual(
    keys.map((key) => oracle.get(key) !== undefined),
  );
  expect(plain(await Promise.all(keys.map((key) => family.getAsync(key))))).toEqual(expected);
}
