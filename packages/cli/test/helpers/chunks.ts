/**
 * Bytes cut at arbitrary places, as a file or a pipe may deliver them.
 */
import * as fc from 'fast-check';

/** Cuts bytes at the given places (any numbers; taken modulo the length). */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const borders = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  const ends = [...borders, bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

export const places = fc.array(fc.nat(), { maxLength: 12 });

/** Text without lone surrogates, with characters of one to four bytes. */
export const text = fc.string({ unit: 'grapheme', maxLength: 12 });

export async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

export async function collect<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}
