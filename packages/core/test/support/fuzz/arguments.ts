/**
 * Arguments that a caller may hand to the public API: right ones, and everything else that
 * JavaScript has to offer.
 */
import type { Database, Snapshot } from '@manifold-db/core';
import { below, pick } from './fuzzer.js';

/** Thrown by the caller's own code: by a getter, a proxy, a codec. It comes through as it is. */
export class CallersOwnError extends Error {}

function throwOwn(): never {
  throw new CallersOwnError('by the caller');
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function shrunk(): Uint8Array {
  const memory = new ArrayBuffer(16, { maxByteLength: 16 });
  const view = new Uint8Array(memory, 8, 8);
  memory.resize(4);
  return view;
}

/** Says that it has another length than it has. */
class LyingBytes extends Uint8Array {
  static claim = 0;
  override get length(): number {
    return LyingBytes.claim;
  }
}

function lying(claim: number): Uint8Array {
  LyingBytes.claim = claim;
  return new LyingBytes(4);
}

const THROWING_TRAPS: ProxyHandler<object> = {
  get: throwOwn,
  has: throwOwn,
  ownKeys: throwOwn,
  getPrototypeOf: throwOwn,
  getOwnPropertyDescriptor: throwOwn,
};

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const SCALARS: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -0,
  () => -1,
  () => 1,
  () => 1.5,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => Number.MAX_VALUE,
  () => Number.NaN,
  () => Infinity,
  () => -Infinity,
  () => 1n,
  () => 2n ** 64n,
  () => Symbol('s'),
  () => Symbol.iterator,
];

const TEXTS: readonly (() => unknown)[] = [
  () => '',
  () => 'k',
  () => '\0',
  () => '\ud800',
  () => 'a\udc00b',
  () => '__proto__',
  () => 'x'.repeat(1024),
  () => 'x'.repeat(1025),
  () => 'é'.repeat(600),
  () => new String('boxed'),
];

const BYTES: readonly (() => unknown)[] = [
  () => new Uint8Array(0),
  () => Buffer.from('k'),
  () => new Uint8Array(1025),
  () => new Uint8Array(new SharedArrayBuffer(64), 8, 8),
  detached,
  shrunk,
  () => lying(2 ** 31),
  () => lying(-1),
  () => lying(Number.NaN),
  () => lying(0),
  () => lying(7),
  () => new ArrayBuffer(8),
  () => new DataView(new ArrayBuffer(8)),
  () => new Float64Array(2),
  () => new Uint16Array(3),
  () => Object.create(Uint8Array.prototype) as unknown,
  () => new Proxy(new Uint8Array(4), {}),
  () => ({ length: 3, 0: 1, 1: 2, 2: 3 }),
];

const OBJECTS: readonly (() => unknown)[] = [
  () => ({}),
  () => [],
  () => ['k', undefined],
  () => [['deep', ['deeper', [1]]]],
  () => ({ length: 2 ** 32 }),
  () => Object.assign([], { length: 2 ** 14 }),
  () => Object.create(null) as unknown,
  () => () => 1,
  () => throwOwn,
  () => async () => 1,
  () => CallersOwnError,
  () => new Date(0),
  () => /x/,
  () => new Map(),
  () => new Set(['k']),
  () => Promise.resolve('k'),
  () => new URL('file:///nowhere'),
  () => AbortSignal.abort(),
  () => new AbortController().signal,
  () => new Proxy({}, THROWING_TRAPS),
  () => new Proxy(['k'], {}),
  () => new Proxy(() => 1, THROWING_TRAPS),
  revoked,
  () => ({
    get durability() {
      return throwOwn();
    },
  }),
  () => ({
    toString: throwOwn,
    valueOf: throwOwn,
    toJSON: throwOwn,
    [Symbol.toPrimitive]: throwOwn,
  }),
  () => ({ then: throwOwn }),
  () => ({ encode: () => 'x', decode: () => 'x' }),
  () => ({ encode: 1, decode: 2 }),
  circular,
];

function circular(): unknown {
  const own: { self?: unknown } = {};
  own.self = own;
  return own;
}

const OPTION_NAMES = [
  'durability',
  'ifAbsent',
  'ifValue',
  'snapshot',
  'consistency',
  'signal',
  'retries',
  'gt',
  'gte',
  'lt',
  'lte',
  'prefix',
  'reverse',
  'limit',
  'keyEncoding',
  'valueEncoding',
  'mistyped',
];

const WORDS = ['immediate', 'async', 'none', 'latest', 'synced', 'applied', 'utf8', 'ordered'];

/** What the pools cannot know: handles of the running databases. */
export interface Handles {
  readonly database: Database;
  readonly other: Database;
  readonly snapshots: readonly Snapshot[];
  readonly rest: readonly unknown[];
}

/** Anything at all. */
export function anything(random: () => number, handles: Handles): unknown {
  const roll = random();
  if (roll < 0.2) return pick(random, SCALARS)();
  if (roll < 0.35) return pick(random, TEXTS)();
  if (roll < 0.55) return pick(random, BYTES)();
  if (roll < 0.75) return pick(random, OBJECTS)();
  if (roll < 0.8) return pick(random, handles.snapshots);
  if (roll < 0.87) return pick(random, handles.rest);
  return anyOptions(random, handles);
}

/** An object of options or of bounds, right or wrong. */
export function anyOptions(random: () => number, handles: Handles): unknown {
  const options: Record<string, unknown> = {};
  for (let count = below(random, 4); count > 0; count--) {
    const isWord = random() < 0.3;
    const name = pick(random, OPTION_NAMES);
    options[name] = isWord ? pick(random, WORDS) : anything(random, handles);
  }
  return options;
}
