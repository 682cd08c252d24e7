/** Changes bytes the way that finds mistakes in decoders: single bits, lengths at their limits. */
import { writeU16, writeU32, writeU64 } from '@manifold-db/storage';
import { below, pick } from './fuzzer.js';

const EDGES = [0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff];
const WIDE_EDGES = [...EDGES, 0x1_0000, 0x10_0000, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff];
const HUGE_EDGES = [...WIDE_EDGES, 0x8000_0000, 0xffff_fff8, 0xffff_ffff];
const CHUNK_BYTES_MAX = 40;

/** One change inside `[from, end)`. */
export function mutateOnce(
  random: () => number,
  bytes: Uint8Array,
  from: number,
  end: number,
): void {
  if (end <= from) return;
  const at = from + below(random, end - from);
  // Fields are aligned.
  const aligned = Math.max(from, at & -4);
  switch (below(random, 9)) {
    case 0:
    case 1:
      bytes[at]! ^= 1 << below(random, 8);
      break;
    case 2:
      bytes[at] = pick(random, EDGES);
      break;
    case 3:
      if (at + 2 <= end) writeU16(bytes, at, pick(random, EDGES));
      break;
    case 4:
    case 5:
      if (aligned + 4 <= end) writeU32(bytes, aligned, pick(random, HUGE_EDGES));
      break;
    case 6:
      if (aligned + 8 <= end) {
        const high = pick(random, [0, 0, 1, 0xffff, 0x1f_ffff]);
        writeU64(bytes, aligned, pick(random, WIDE_EDGES) + high * 2 ** 32);
      }
      break;
    case 7: {
      const count = Math.min(end - at, below(random, CHUNK_BYTES_MAX));
      const source = from + below(random, end - from - count + 1);
      bytes.copyWithin(at, source, source + count);
      break;
    }
    default: {
      const stop = Math.min(end, at + below(random, CHUNK_BYTES_MAX));
      const isZero = random() < 0.5;
      for (let i = at; i < stop; i++) bytes[i] = isZero ? 0 : below(random, 256);
    }
  }
}

/** Mostly one change, sometimes several. */
export function mutate(random: () => number, bytes: Uint8Array, from: number, end: number): void {
  const count = random() < 0.6 ? 1 : 1 + below(random, 5);
  for (let i = 0; i < count; i++) mutateOnce(random, bytes, from, end);
}

export function garbage(random: () => number, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = below(random, 256);
}
