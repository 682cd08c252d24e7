/**
 * Free map: which pages of the data file are in use at a checkpoint (bit set = in use; metas,
 * trees, catalog and the pages of the map itself included). The bits come in chunks, one FREE_MAP
 * page each; a chain of FREE_MAP_DIRECTORY pages lists the chunks in order. Written by the
 * apply worker in a checkpoint, read at open.
 *
 * FREE_MAP page, after the common page header:
 *       16     4 chunkIndex
 *       32       bits: bit b of byte i is page chunkIndex * bitsPerChunk + 8 * i + b
 *
 * FREE_MAP_DIRECTORY page:
 *       16     4 nextPage       0 at the end of the chain
 *       20     4 nextBirthLow
 *       24     2 nextBirthHigh
 *       28     4 entryCount
 *       32       entries of 12 bytes: page u32, birthLow u32, birthHigh u32;
 *                page 0 stands for a chunk of zero bits
 */
import { assert } from '../assert.js';
import { corrupt } from '../errors.js';
import { highWord, joinWords, readU16, readU32, writeU16, writeU32 } from './bytes.js';
import {
  BIRTH_LIMIT,
  PAGE_HEADER_BYTES,
  PAGE_HEADER_KIND,
  PAGE_HEADER_SPECIFIC,
  PageKind,
  initPageHeader,
} from './page-header.js';

const CHUNK_INDEX_OFFSET = PAGE_HEADER_SPECIFIC;
export const FREE_MAP_BITS_OFFSET = PAGE_HEADER_BYTES;

const NEXT_PAGE_OFFSET = PAGE_HEADER_SPECIFIC;
const NEXT_BIRTH_LOW_OFFSET = NEXT_PAGE_OFFSET + 4;
const NEXT_BIRTH_HIGH_OFFSET = NEXT_BIRTH_LOW_OFFSET + 4;
const ENTRY_COUNT_OFFSET = NEXT_BIRTH_HIGH_OFFSET + 4;
const ENTRIES_OFFSET = PAGE_HEADER_BYTES;
const ENTRY_BYTES = 12;
const PAGE_NUMBER_LIMIT = 0x8000_0000;

assert(ENTRY_COUNT_OFFSET + 4 === ENTRIES_OFFSET, 'the directory header fills the page header');

export interface PageReference {
  page: number;
  birth: number;
}

export interface FreeMapDirectory {
  /** `page` 0 at the end of the chain. */
  next: PageReference;
  /** In order of the chunks. */
  chunks: PageReference[];
}

/** Pages that one FREE_MAP page speaks for. */
export function freeMapChunkPages(pageBytes: number): number {
  return (pageBytes - FREE_MAP_BITS_OFFSET) * 8;
}

/** Chunks that one directory page lists. */
export function freeMapDirectoryEntries(pageBytes: number): number {
  return Math.floor((pageBytes - ENTRIES_OFFSET) / ENTRY_BYTES);
}

/** Fills `page` (not yet sealed) with chunk `chunkIndex`; `bits` has at most a chunk's bytes. */
export function encodeFreeMapPage(
  page: Uint8Array,
  birth: number,
  chunkIndex: number,
  bits: Uint8Array,
): void {
  assert(bits.length <= page.length - FREE_MAP_BITS_OFFSET, 'the bits of a chunk fit its page');
  page.fill(0);
  initPageHeader(page, PageKind.FREE_MAP, 0, birth);
  writeU32(page, CHUNK_INDEX_OFFSET, chunkIndex);
  page.set(bits, FREE_MAP_BITS_OFFSET);
}

/** The bits of a checked page, as a view of it. */
export function decodeFreeMapPage(page: Uint8Array, chunkIndex: number, path: string): Uint8Array {
  if (page[PAGE_HEADER_KIND] !== PageKind.FREE_MAP) {
    throw corrupt(path, 0, `chunk ${chunkIndex} of the free map is not a free map page`);
  }
  const ownIndex = readU32(page, CHUNK_INDEX_OFFSET);
  if (ownIndex !== chunkIndex) {
    throw corrupt(path, 0, `chunk ${chunkIndex} of the free map holds chunk ${ownIndex}`);
  }
  return page.subarray(FREE_MAP_BITS_OFFSET);
}

/** Fills `page` (not yet sealed) with one link of the directory chain. */
export function encodeFreeMapDirectory(
  page: Uint8Array,
  birth: number,
  directory: FreeMapDirectory,
): void {
  const { next, chunks } = directory;
  assert(chunks.length <= freeMapDirectoryEntries(page.length), 'the entries fit their page');
  page.fill(0);
  initPageHeader(page, PageKind.FREE_MAP_DIRECTORY, 0, birth);
  writeU32(page, NEXT_PAGE_OFFSET, next.page);
  writeU32(page, NEXT_BIRTH_LOW_OFFSET, next.birth);
  writeU16(page, NEXT_BIRTH_HIGH_OFFSET, highWord(next.birth));
  writeU32(page, ENTRY_COUNT_OFFSET, chunks.length);
  chunks.forEach((chunk, index) => {
    const offset = ENTRIES_OFFSET + index * ENTRY_BYTES;
    writeU32(page, offset, chunk.page);
    writeU32(page, offset + 4, chunk.birth);
    writeU32(page, offset + 8, highWord(chunk.birth));
  });
}

function requireReference(reference: PageReference, path: string): PageReference {
  if (reference.page >= PAGE_NUMBER_LIMIT || reference.birth >= BIRTH_LIMIT) {
    throw corrupt(path, 0, `the free map refers to an impossible page ${reference.page}`);
  }
  return reference;
}

/** Of a checked page. The caller bounds the length of the chain by the number of pages. */
export function decodeFreeMapDirectory(page: Uint8Array, path: string): FreeMapDirectory {
  if (page[PAGE_HEADER_KIND] !== PageKind.FREE_MAP_DIRECTORY) {
    throw corrupt(path, 0, 'the free map directory leads to a page of another kind');
  }
  const entryCount = readU32(page, ENTRY_COUNT_OFFSET);
  if (entryCount > freeMapDirectoryEntries(page.length)) {
    throw corrupt(path, 0, `a free map directory page claims ${entryCount} entries`);
  }
  const nextLow = readU32(page, NEXT_BIRTH_LOW_OFFSET);
  const nextBirth = joinWords(nextLow, readU16(page, NEXT_BIRTH_HIGH_OFFSET));
  const next = requireReference({ page: readU32(page, NEXT_PAGE_OFFSET), birth: nextBirth }, path);
  const chunks: PageReference[] = [];
  for (let index = 0; index < entryCount; index += 1) {
    const offset = ENTRIES_OFFSET + index * ENTRY_BYTES;
    const birth = joinWords(readU32(page, offset + 4), readU32(page, offset + 8));
    chunks.push(requireReference({ page: readU32(page, offset), birth }, path));
  }
  return { next, chunks };
}
