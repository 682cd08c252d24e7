/**
 * A pager over an in-memory file, for tests of what stands on it. One thread, no workers.
 */
import { PageKind } from '../format/page-header.js';
import { FIRST_DATA_PAGE } from '../ids.js';
import { MIB } from '../limits.js';
import { attachShared, createSharedBuffers } from '../shared.js';
import type { VfsFile } from '../vfs/vfs.js';
import { Diff } from './diff.js';
import { initializePageMemory } from './page-memory.js';
import { Pager } from './pager.js';

class MemoryFile implements VfsFile {
  #bytes = new Uint8Array(MIB);
  #size = 0;

  read(target: Uint8Array, offset: number): number {
    const end = Math.min(this.#size, offset + target.length);
    if (end <= offset) return 0;
    target.set(this.#bytes.subarray(offset, end));
    return end - offset;
  }

  write(parts: readonly Uint8Array[], offset: number): void {
    let at = offset;
    for (const part of parts) {
      this.truncate(Math.max(this.#size, at + part.length));
      this.#bytes.set(part, at);
      at += part.length;
    }
  }

  truncate(bytes: number): void {
    if (bytes > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(bytes, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#size = bytes;
  }

  size(): number {
    return this.#size;
  }

  dataSync(): void {}
  sync(): void {}
  close(): void {}
}

export interface TestPagerOptions {
  pageBytes?: number;
  cacheBytes?: number;
  canWriteThrough?: boolean;
}

export function createTestPager(options: TestPagerOptions = {}): Pager {
  const shared = attachShared(
    createSharedBuffers({
      pageBytes: options.pageBytes ?? 4096,
      cacheBytes: options.cacheBytes ?? 16 * MIB,
      walRingBytes: MIB,
      walSegmentBytes: 4 * MIB,
      walBytesMax: 16 * MIB,
      pendingCommitsMax: 64,
      applyWorkers: 1,
      writeBufferBytes: 0,
      writeBufferCount: 0,
    }),
  );
  initializePageMemory(shared, FIRST_DATA_PAGE, 1);
  const pager = new Pager({
    shared,
    thread: 0,
    file: new MemoryFile(),
    path: 'memory',
    canWriteThrough: options.canWriteThrough ?? true,
  });
  pager.loader.reserveScratch();
  return pager;
}

/** Another thread's pager over the same memory and file, for tests in one thread. */
export function secondPager(pager: Pager, thread: number): Pager {
  const second = new Pager({
    shared: pager.shared,
    thread,
    file: pager.file,
    path: pager.path,
    canWriteThrough: pager.canWriteThrough,
  });
  second.loader.reserveScratch();
  return second;
}

/** What leads to a page. */
export interface Place {
  readonly page: number;
  readonly birth: number;
}

/** Runs something inside one operation of the pager. */
export function operate<T>(pager: Pager, run: () => T): T {
  pager.beginOperation();
  try {
    return run();
  } finally {
    pager.endOperation();
  }
}

export function newDiff(pager: Pager): Diff {
  const diff = new Diff();
  diff.reset(pager.newToken());
  return diff;
}

/** Where the body of a test page begins: behind every header. */
const BODY = 64;

export function fillBody(pager: Pager, frame: number, value: number): void {
  pager.frameBytes(frame).fill(value, BODY);
}

export function bodyByte(pager: Pager, frame: number): number {
  return pager.frameBytes(frame)[BODY]!;
}

/** Allocates a page with a recognisable body. Inside an operation. */
export function makePage(pager: Pager, diff: Diff, value = 1): Place {
  const frame = pager.allocate(diff, PageKind.LEAF, 0);
  fillBody(pager, frame, value);
  return { page: pager.pageOf(frame), birth: pager.birthOf(frame) };
}

/** A page that is in the file only; `diff` may change it in place again. */
export function coldPage(pager: Pager, diff: Diff, value = 1): Place {
  const place = operate(pager, () => makePage(pager, diff, value));
  pager.spill(diff);
  pager.retirePages(Int32Array.of(place.page), 1);
  pager.recycle();
  return place;
}

/** Who loads pages asynchronously and lets their version not go. */
export const isKept = (): boolean => true;
