import { describe, expect, it } from 'vitest';
import type { VfsFile } from '../vfs/vfs.js';
import { PageWriter } from './page-writer.js';

const PAGE_BYTES = 16;

/** What was written, as `offset+length`. */
function recordingFile(writes: string[]): VfsFile {
  const write: VfsFile['write'] = (parts, offset) => {
    writes.push(`${offset / PAGE_BYTES}+${parts[0]!.length / PAGE_BYTES}`);
  };
  return { write } as VfsFile;
}

function writerOf(writes: string[], pages: readonly number[]): PageWriter {
  const writer = new PageWriter(recordingFile(writes), PAGE_BYTES, 4 * PAGE_BYTES);
  for (const page of pages) writer.add(page, new Uint8Array(PAGE_BYTES));
  return writer;
}

describe('PageWriter', () => {
  it('writes runs of pages in one call, up to its buffer', () => {
    const writes: string[] = [];
    const writer = writerOf(writes, [5, 6, 7, 8, 9, 20]);
    writer.flush();
    writer.flush();
    expect(writes).toEqual(['5+4', '9+1', '20+1']);
    expect(writer.bytesWritten).toBe(6 * PAGE_BYTES);
  });

  it('does not write pages whose diff was undone', () => {
    const writes: string[] = [];
    const writer = writerOf(writes, [5, 6]);
    writer.forget(Int32Array.of(5, 6, 7));
    writer.forget(Int32Array.of(5, 6, 7));
    writer.flush();
    expect(writes).toEqual([]);
  });

  it('writes those of another diff between them', () => {
    const writes: string[] = [];
    const writer = writerOf(writes, [5, 6]);
    writer.forget(Int32Array.of(9));
    expect(writes).toEqual([]);
    writer.forget(Int32Array.of(6));
    expect(writes).toEqual(['5+2']);
  });

  it('keeps what it has collected when its buffer grows', () => {
    const written: Uint8Array[] = [];
    const write: VfsFile['write'] = (parts) => {
      written.push(Uint8Array.from(parts[0]!));
    };
    const pageCount = 50;
    const writer = new PageWriter({ write } as VfsFile, PAGE_BYTES, 64 * PAGE_BYTES);
    const pages = Array.from({ length: pageCount }, (_, i) => new Uint8Array(PAGE_BYTES).fill(i));
    for (const [i, page] of pages.entries()) writer.add(100 + i, page);
    writer.flush();
    expect(written).toEqual([Uint8Array.from(pages.flatMap((page) => [...page]))]);
  });
});
