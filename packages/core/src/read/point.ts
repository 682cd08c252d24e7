/**
 * Point reads. Any thread with a page manager; `keyScratch` and the hit are reused, so the result
 * is all that is allocated.
 *
 * Invariants
 * 1. Page frames are looked at only inside the operation; what leaves it is decoded or copied.
 * 2. No codec of the user's runs inside the operation.
 * 3. Keys are encoded before the view is filled in: encoding may run the user's code (an array
 *    with getters), and that code may write. From then on nothing moves: only this thread commits.
 */
import { KEY_BYTES_MAX, treeCount } from '@manifold-db/storage';
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
import { countLayered } from './count.js';
import { Place, findKey } from './find.js';
import { copyBuffered, copyHit } from './value-copy.js';
import type { FamilyView } from './view.js';

export type { FamilyCodec } from './context.js';

/** Fills in the view that is to be read, right before it is; runs no code of the user's. */
export type ViewOf = () => FamilyView;

/** Keys that are read in one operation; a longer one would hold up the recycling of pages. */
const KEYS_PER_OPERATION = 256;

/** The value of a key, or `undefined`. */
export function readValue<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  viewOf: ViewOf,
  key: K,
): V | undefined {
  context.assertReadable();
  const keyBytes = codec.key.encode(key, keyScratch, 0);
  return readEncodedValue(context, codec, viewOf(), keyBytes);
}

/** The value of the key in `keyScratch`. */
export function readEncodedValue<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  view: FamilyView,
  keyBytes: number,
): V | undefined {
  const { memory } = context;
  let copy: Buffer;
  const opened = context.begin();
  try {
    const place = findKey(memory, view, keyScratch, keyBytes);
    if (place === Place.NOWHERE) return undefined;
    if (decodesInPlace(codec.value) && standsWhole(memory, place)) {
      return decodeFound(memory, codec, place);
    }
    copy = copyFound(memory, place);
  } finally {
    context.end(opened);
  }
  return decodeRaw(codec, copy);
}

/** The value's bytes stand together, not in overflow pages. */
function standsWhole(memory: ReadMemory, place: Place): boolean {
  return place === Place.BUFFER || memory.hit.overflowPage === 0;
}

/** A value that was found, decoded where it stands. */
function decodeFound<K, V>(memory: ReadMemory, codec: FamilyCodec<K, V>, place: Place): V {
  if (place === Place.BUFFER) {
    const { valueOffset, valueBytes } = memory.bufferHit;
    return codec.value.decode(memory.hitBuffer!.bytes, valueOffset, valueOffset + valueBytes);
  }
  const { hit } = memory;
  const region = memory.regions[memory.regionOf(hit)]!;
  return codec.value.decode(region, hit.valueOffset, hit.valueOffset + hit.valueBytes);
}

export function copyFound(memory: ReadMemory, place: Place): Buffer {
  if (place === Place.TREE) return copyHit(memory, memory.hit);
  const { valueOffset, valueBytes } = memory.bufferHit;
  return copyBuffered(memory.hitBuffer!, valueOffset, valueBytes);
}

/** The value in a private copy of its bytes. Outside of the operation: a codec may do anything. */
export function decodeRaw<K, V>(codec: FamilyCodec<K, V>, copy: Buffer): V {
  if (givesBytes(codec.value)) return copy as V;
  return codec.value.decode(copy, 0, copy.length);
}

/** Refuses what is no array of keys. */
export function requireKeys(keys: unknown): asserts keys is readonly unknown[] {
  if (!Array.isArray(keys)) throw new TypeError('keys must be an array of keys');
}

/** The values of many keys out of one version, in the order of the keys. */
export function readMany<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  viewOf: ViewOf,
  keys: readonly K[],
): (V | undefined)[] {
  context.assertReadable();
  requireKeys(keys);
  const values: (V | Buffer | Undecoded | undefined)[] = [];
  const encoded = encodeKeys(codec, keys);
  const view = viewOf();
  for (const some of encoded) readEncoded(context, codec, view, some, values);
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

/** Keys of one operation as bytes. */
interface EncodedKeys {
  readonly bytes: Buffer;
  readonly ends: Int32Array;
}

function encodeKeys<K, V>(codec: FamilyCodec<K, V>, keys: readonly K[]): EncodedKeys[] {
  const total = keys.length;
  const parts: EncodedKeys[] = [];
  const capacity = Math.min(total, KEYS_PER_OPERATION);
  const scratch = Buffer.allocUnsafe(capacity * KEY_BYTES_MAX + KEY_ENCODE_ROOM);
  for (let from = 0; from < total; from += KEYS_PER_OPERATION) {
    const to = Math.min(from + KEYS_PER_OPERATION, total);
    const ends = new Int32Array(to - from);
    let end = 0;
    for (let index = from; index < to; index++) {
      end += codec.key.encode(keys[index]!, scratch, end, 'each of keys');
      ends[index - from] = end;
    }
    // The last part needs no copy.
    const bytes = to === total ? scratch : Buffer.from(scratch.subarray(0, end));
    parts.push({ bytes, ends });
  }
  return parts;
}

function readEncoded<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  view: FamilyView,
  keys: EncodedKeys,
  values: (V | Buffer | Undecoded | undefined)[],
): void {
  const { memory } = context;
  const inPlace = decodesInPlace(codec.value);
  const isBytes = givesBytes(codec.value);
  const opened = context.begin();
  try {
    let start = 0;
    for (let index = 0; index < keys.ends.length; index++) {
      const end = keys.ends[index]!;
      const keyBytes = end - start;
      // A loop: keys are short, and a view for `set` costs more than copying one.
      for (let at = 0; at < keyBytes; at++) keyScratch[at] = keys.bytes[start + at]!;
      start = end;
      const place = findKey(memory, view, keyScratch, keyBytes);
      if (place === Place.NOWHERE) values.push(undefined);
      else if (isBytes) values.push(copyFound(memory, place));
      else if (!inPlace) values.push(new Undecoded(copyFound(memory, place)));
      else if (standsWhole(memory, place)) values.push(decodeFound(memory, codec, place));
      else values.push(decodeRaw(codec, copyFound(memory, place)));
    }
  } finally {
    context.end(opened);
  }
}

/** Whether the key has a value; the value is not looked at. */
export function hasKey<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  viewOf: ViewOf,
  key: K,
): boolean {
  context.assertReadable();
  const keyBytes = codec.key.encode(key, keyScratch, 0);
  return hasEncodedKey(context, viewOf(), keyBytes);
}

/** Whether the key in `keyScratch` has a value. */
export function hasEncodedKey(context: ReadContext, view: FamilyView, keyBytes: number): boolean {
  const opened = context.begin();
  try {
    return findKey(context.memory, view, keyScratch, keyBytes) !== Place.NOWHERE;
  } finally {
    context.end(opened);
  }
}

/** Exact number of entries in a range; `limit` is respected. */
export function countRange<K, V>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  viewOf: ViewOf,
  range: KeyRange<K> | undefined,
): number {
  context.assertReadable();
  const { low, high, limit } = encodeRange(range, codec.key);
  const view = viewOf();
  const { root } = view;
  const isWhole = low === undefined && high === undefined;
  if (isWhole && !view.isLayered) return Math.min(root.count, limit);
  const opened = context.begin();
  try {
    if (view.isLayered) return Math.min(countLayered(context.memory, view, low, high), limit);
    return Math.min(treeCount(context.pager, root, low, high), limit);
  } finally {
    context.end(opened);
  }
}

/** The bytes of a value, as a private copy: for compare-and-set and validation. */
export function readRaw(
  context: ReadContext,
  view: FamilyView,
  keyBytes: Uint8Array,
  keyLength: number,
): Buffer | undefined {
  const { memory } = context;
  const opened = context.begin();
  try {
    const place = findKey(memory, view, keyBytes, keyLength);
    return place === Place.NOWHERE ? undefined : copyFound(memory, place);
  } finally {
    context.end(opened);
  }
}
