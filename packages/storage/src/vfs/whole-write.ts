/**
 * The loop around a system call that may write less than it was given: used by the real file
 * system, and by those that make every write short on purpose.
 */
import { errnoError } from './vfs.js';

/** One call of `pwritev`: writes the beginning of `parts` and returns how many bytes that was. */
export type WriteSome = (parts: readonly Uint8Array[], offset: number) => number;

/** Buffers that one `writev` may take on every platform (IOV_MAX). */
const PARTS_PER_CALL_MAX = 1024;

/** What is left of `parts` behind their first `bytes` bytes. */
function behind(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = bytes;
  for (const part of parts) {
    if (skip < part.length) rest.push(skip === 0 ? part : part.subarray(skip));
    skip = Math.max(0, skip - part.length);
  }
  return rest;
}

/** Writes all of `parts`; a call that writes nothing of something is EIO. */
export function writeWhole(
  writeSome: WriteSome,
  parts: readonly Uint8Array[],
  offset: number,
  path: string,
): void {
  let position = offset;
  for (let first = 0; first < parts.length; first += PARTS_PER_CALL_MAX) {
    const isAll = parts.length <= PARTS_PER_CALL_MAX;
    let group = isAll ? parts : parts.slice(first, first + PARTS_PER_CALL_MAX);
    let left = 0;
    for (const part of group) left += part.length;
    while (left > 0) {
      const count = writeSome(group, position);
      if (count === 0) throw errnoError('EIO', 'write', path);
      position += count;
      left -= count;
      if (left > 0) group = behind(group, count);
    }
  }
}
