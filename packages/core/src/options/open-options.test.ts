import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { KIB, MIB, GIB, createSharedBuffers } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import type { OpenOptions, OptionsInForce } from '../types.js';
import { memorySum, sharedSizes } from './memory.js';
import { checkOpenOptions, withPageBytes } from './open-options.js';
import { absolutePath } from './path.js';

function inForce(options?: OpenOptions): OptionsInForce {
  return checkOpenOptions(options).options;
}

describe('the options of open', () => {
  it('have the documented defaults', () => {
    expect(inForce()).toEqual({
      mode: 'buffered',
      durability: 'immediate',
      workers: { apply: 1, pool: expect.toSatisfy((pool) => pool === 1 || pool === 2) },
      createIfMissing: true,
      errorIfExists: false,
      readOnly: false,
      pageBytes: 4 * KIB,
      cacheBytes: 64 * MIB,
      writeBufferBytes: 24 * MIB,
      writeBufferCount: 4,
      walRingBytes: 4 * MIB,
      walSegmentBytes: 8 * MIB,
      walBytesMax: 256 * MIB,
      pendingBytesMax: 16 * MIB,
      pendingCommitsMax: 4096,
      checkpointIntervalMs: 5000,
    });
    expect(inForce({})).toEqual(inForce());
    expect(inForce({ mode: undefined, cacheBytes: undefined })).toEqual(inForce());
  });

  it('are rounded where they stand for whole pages or powers of two', () => {
    expect(inForce({ cacheBytes: MIB + 1 }).cacheBytes).toBe(MIB + 4 * KIB);
    expect(inForce({ walRingBytes: MIB }).walRingBytes).toBe(MIB);
    expect(inForce({ walRingBytes: MIB + 1 }).walRingBytes).toBe(2 * MIB);
  });

  it('of the log follow one another when only the first is given', () => {
    const large = inForce({ walRingBytes: 64 * MIB });
    expect(large.walSegmentBytes).toBe(66 * MIB);
    expect(large.walBytesMax).toBe(264 * MIB);
    const largest = inForce({ walRingBytes: GIB });
    expect(largest.walSegmentBytes).toBe(GIB + 2 * MIB);
  });

  const refused: [OpenOptions | object, typeof TypeError | typeof RangeError, RegExp][] = [
    [{ mode: 'fast' }, RangeError, /options\.mode must be one of 'buffered'/],
    [{ mode: 3 }, TypeError, /options\.mode must be/],
    [{ durability: 'sometimes' }, RangeError, /options\.durability must be/],
    [{ cacheBites: 1 }, TypeError, /options\.cacheBites is not an option/],
    [{ workers: { apply: 0 } }, RangeError, /options\.workers\.apply .* from 1 to 8, not 0/],
    [{ workers: { apply: 9 } }, RangeError, /options\.workers\.apply/],
    [{ workers: { fsync: 1 } }, TypeError, /options\.workers\.fsync is not/],
    [{ workers: 2 }, TypeError, /options\.workers must be an object/],
    [{ createIfMissing: 'yes' }, TypeError, /options\.createIfMissing must be a boolean/],
    [{ readOnly: true, createIfMissing: true }, TypeError, /exclude each other/],
    [{ readOnly: true, errorIfExists: true }, TypeError, /needs options\.createIfMissing/],
    [{ createIfMissing: false, errorIfExists: true }, TypeError, /needs options\.create/],
    [{ pageBytes: 2048 }, RangeError, /options\.pageBytes .* from 4096 to 65536/],
    [{ pageBytes: 5000 }, RangeError, /options\.pageBytes must be a power of two/],
    [{ cacheBytes: 1000 }, RangeError, /options\.cacheBytes .* from 1048576/],
    [{ cacheBytes: 2 * MIB, pageBytes: 64 * KIB }, RangeError, /from 16777216/],
    [{ cacheBytes: '64' }, TypeError, /options\.cacheBytes must be a number, not string/],
    [{ cacheBytes: 1e6 + 0.5 }, RangeError, /must be a whole number/],
    [{ cacheBytes: NaN }, RangeError, /must be a whole number/],
    [{ walRingBytes: MIB - 1 }, RangeError, /options\.walRingBytes/],
    [{ walRingBytes: 2 * GIB }, RangeError, /options\.walRingBytes/],
    [{ walSegmentBytes: 2 * GIB }, RangeError, /options\.walSegmentBytes/],
    [{ walSegmentBytes: 8 * MIB + 1 }, RangeError, /options\.walSegmentBytes must be a multiple/],
    [{ walSegmentBytes: 4 * MIB }, RangeError, /at least 6291456 with a ring of 4194304/],
    [{ walBytesMax: 31 * MIB }, RangeError, /options\.walBytesMax .* from 33554432/],
    [{ walBytesMax: 64 * GIB }, RangeError, /options\.walBytesMax/],
    [{ pendingBytesMax: 0 }, RangeError, /options\.pendingBytesMax/],
    [{ pendingCommitsMax: 0 }, RangeError, /options\.pendingCommitsMax/],
    [{ checkpointIntervalMs: -1 }, RangeError, /options\.checkpointIntervalMs/],
    [{ writeBufferCount: 1 }, RangeError, /options\.writeBufferCount/],
    [{ signal: {} }, TypeError, /options\.signal must be an AbortSignal, not Object/],
  ];
  it.each(refused)('are refused with name and limit: %j', (options, type, message) => {
    expect(() => checkOpenOptions(options)).toThrow(type);
    expect(() => checkOpenOptions(options)).toThrow(message);
  });

  it('must be an object', () => {
    for (const options of [null, 'x', 1, []]) {
      expect(() => checkOpenOptions(options)).toThrow(/^options must be an object/);
    }
  });

  it('say whether a page size was asked for, and adapt to that of the file', () => {
    expect(checkOpenOptions({}).pageBytesGiven).toBe(false);
    expect(checkOpenOptions({ pageBytes: 4096 }).pageBytesGiven).toBe(true);
    const adapted = withPageBytes(inForce({ cacheBytes: MIB + 4 * KIB }), 16 * KIB);
    expect(adapted.pageBytes).toBe(16 * KIB);
    expect(adapted.cacheBytes).toBe(4 * MIB);
    expect(withPageBytes(inForce({ cacheBytes: 8 * MIB + 4 * KIB }), 16 * KIB).cacheBytes).toBe(
      8 * MIB + 16 * KIB,
    );
  });

  it('of a read-only open do not create', () => {
    expect(inForce({ readOnly: true }).createIfMissing).toBe(false);
  });

  it('pass a signal on', () => {
    const { signal } = new AbortController();
    expect(checkOpenOptions({ signal }).signal).toBe(signal);
  });
});

describe('memorySum', () => {
  it('counts every byte of the shared regions', () => {
    const options = inForce({ cacheBytes: 3 * MIB, walRingBytes: MIB, walSegmentBytes: 4 * MIB });
    const buffers = createSharedBuffers(sharedSizes(options));
    const { sizes, frameRegions, writeBuffers, ...regions } = buffers;
    expect(sizes.cacheBytes).toBe(options.cacheBytes);
    let bytes = 0;
    for (const region of [...Object.values(regions), ...frameRegions, ...writeBuffers]) {
      bytes += region.byteLength;
    }
    const sum = memorySum(options);
    expect(sum.totalBytes - sum.pendingBytes - sum.workerBufferBytes).toBe(bytes);
  });

  it('stays below 200 MiB with the defaults', () => {
    const { totalBytes, ...parts } = memorySum(inForce());
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(totalBytes);
    expect(totalBytes).toBeLessThan(200 * MIB);
  });
});

describe('absolutePath', () => {
  it('takes strings and file URLs', () => {
    expect(absolutePath('data')).toBe(resolve('data'));
    expect(absolutePath(pathToFileURL(resolve('a b/ä')))).toBe(resolve('a b/ä'));
  });

  it('refuses anything else', () => {
    for (const path of [undefined, 1, Buffer.from('x'), new URL('http://x/y'), '', 'a\0b', {}]) {
      expect(() => absolutePath(path)).toThrow(TypeError);
    }
    expect(() => absolutePath('', 'target')).toThrow('target must not be empty');
  });
});
