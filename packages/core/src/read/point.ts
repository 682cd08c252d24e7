/**
 * Point reads. Any thread with a page manager; `keyScratch` and the hit are reused, so the result
 * is all that is allocated.
 *
 * Invariants
 * 1. Page frames are looked at only inside the operation; what leaves it is decoded or copied.
 * 2. No codec of the user's runs inside the operation.
 * 3. The caller protects `root`: it is the newest version, which only this thread replaces, or it
 *    is pinned.
 */
import { KEY_BYTES_MAX, treeCount, treeGet, type TreeRoot } from '@manifold-db/storage';
import { KEY_ENCODE_ROOM, encodeRange } from '../encoding/index.js';
import type { KeyRange } from '../types.js';
import {
  decodesInPlace,
  givesBytes,
  keyScratch,
  type FamilyCodec,
  type ReadContext,
  type ReadMemory,
} from './context.js';
import { copyHit } from './value-copy.js';

export type { FamilyCodec } from './context.js';

/** Keys that are read in one operation; a longer one would hold up the recycling of pages. */
const KEYS_PER_OPERATION = 256;

/** The value of a key, or `undefined`. */
export function readValue<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  root: TreeRoot,
  key: K,
): V | undefined {
  context.assertReadable();
  const keyBytes = codec.key.encode(key, keyScratch, 0);
  const { memory } = context;
  let copy: Buffer;
  const opened = context.begin();
  try {
    const { hit } = memory;
    if (!treeGet(context.pager, root, keyScratch, keyBytes, hit)) return undefined;
    if (hit.overflowPage === 0 && decodesInPlace(codec.value)) return decodeHit(memory, codec);
    copy = copyHit(memory, hit);
  } finally {
    context.end(opened);
  }
  return decodeRaw(codec, copy);
}

/** The value of a hit, decoded where it stands. */
function decodeHit<K, V>(memory: ReadMemory, codec: FamilyCodec<K, V>): V {
  const { hit } = memory;
  const region = memory.regions[memory.regionOf(hit)]!;
  return codec.value.decode(region, hit.valueOffset, hit.valueOffset + hit.valueBytes);
}

/** The value in a private copy of its bytes. Outside of the operation: a codec may do anything. */
export function decodeRaw<K, V>(codec: FamilyCodec<K, V>, copy: Buffer): V {
  if (givesBytes(codec.value)) return copy as V;
  return codec.value.decode(copy, 0, copy.length);
}

/** The values of many keys out of one version, in the order of the keys. */
export function readMany<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  root: TreeRoot,
  keys: readonly K[],
): (V | undefined)[] {
  context.assertReadable();
  if (!Array.isArray(keys)) throw new TypeError('keys must be an array of keys');
  const values: (V | Buffer | Undecoded | undefined)[] = [];
  const total = keys.length;
  const encoded = new EncodedKeys(Math.min(total, KEYS_PER_OPERATION));
  for (let from = 0; from < total; from += KEYS_PER_OPERATION) {
    encoded.fill(codec, keys, from, Math.min(from + KEYS_PER_OPERATION, total));
    readEncoded(context, codec, root, encoded, values);
  }
  if (givesBytes(codec.value) || decodesInPlace(codec.value)) return values as (V | undefined)[];
  // What is still to be decoded runs the user's code: outside of the operation.
  return values.map((value) =>
    value instanceof Undecoded ? decodeRaw(codec, value.bytes) : (value as V | undefined),
  );
}

/** A copy that stands for its value until the operation is over. */
class Undecoded {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Keys of one operation as bytes; getters and proxies of the user's have run by then. */
class EncodedKeys {
  readonly bytes: Buffer;
  readonly ends: Int32Array;
  count = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(capacity * KEY_BYTES_MAX + KEY_ENCODE_ROOM);
    this.ends = new Int32Array(capacity);
  }

  fill<K, V>(codec: FamilyCodec<K, V>, keys: readonly K[], from: number, to: number): void {
    let end = 0;
    for (let index = from; index < to; index++) {
      end += codec.key.encode(keys[index]!, this.bytes, end, 'each of keys');
      this.ends[index - from] = end;
    }
    this.count = to - from;
  }
}

function readEncoded<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  root: TreeRoot,
  keys: EncodedKeys,
  values: (V | Buffer | Undecoded | undefined)[],
): void {
  const { memory } = context;
  const { hit } = memory;
  const inPlace = decodesInPlace(codec.value);
  const isBytes = givesBytes(codec.value);
  const opened = context.begin();
  try {
    let start = 0;
    for (let index = 0; index < keys.count; index++) {
      const end = keys.ends[index]!;
      const keyBytes = end - start;
      // A loop: keys are short, and a view for `set` costs more than copying one.
      for (let at = 0; at < keyBytes; at++) keyScratch[at] = keys.bytes[start + at]!;
      start = end;
      if (!treeGet(context.pager, root, keyScratch, keyBytes, hit)) values.push(undefined);
      else if (isBytes) values.push(copyHit(memory, hit));
      else if (!inPlace) values.push(new Undecoded(copyHit(memory, hit)));
      else if (hit.overflowPage === 0) values.push(decodeHit(memory, codec));
      else values.push(decodeRaw(codec, copyHit(memory, hit)));
    }
  } finally {
    context.end(opened);
  }
}

/** Whether the key has a value; the value is not looked at. */
export function hasKey<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  root: TreeRoot,
  key: K,
): boolean {
  context.assertReadable();
  const keyBytes = codec.key.encode(key, keyScratch, 0);
  const { hit } = context.memory;
  const opened = context.begin();
  try {
    return treeGet(context.pager, root, keyScratch, keyBytes, hit);
  } finally {
    context.end(opened);
  }
}

/** Exact number of entries in a range; `limit` is respected. */
export function countRange<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  root: TreeRoot,
  range: KeyRange<K> | undefined,
): number {
  context.assertReadable();
  const { low, high, limit } = encodeRange(range, codec.key);
  if (low === undefined && high === undefined) return Math.min(root.count, limit);
  const opened = context.begin();
  try {
    return Math.min(treeCount(context.pager, root, low, high), limit);
  } finally {
    context.end(opened);
  }
}

/** The bytes of a value, as a private copy: for compare-and-set and validation. */
export function readRaw(
  context: ReadContext,
  root: TreeRoot,
  keyBytes: Uint8Array,
  keyLength: number,
): Buffer | undefined {
  const { memory } = context;
  const opened = context.begin();
  try {
    if (!treeGet(context.pager, root, keyBytes, keyLength, memory.hit)) return undefined;
    return copyHit(memory, memory.hit);
  } finally {
    context.end(opened);
  }
}
