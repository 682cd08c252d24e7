/**
 * Reading the free map of a checkpoint: the pages in use, and where the map itself stands. Runs at
 * open, on the opening thread and on apply worker 0.
 */
import { corrupt } from '../errors.js';
import {
  decodeFreeMapDirectory,
  decodeFreeMapPage,
  freeMapChunkPages,
  type PageReference,
} from '../format/free-map.js';
import { META_PAGE_COUNT, type Meta } from '../format/meta.js';
import { checkPage } from '../format/page-header.js';
import { NO_PAGE } from '../ids.js';
import type { VfsFile } from '../vfs/vfs.js';
import { PageBitmap } from './page-bitmap.js';

export interface FreeMap {
  /** Pages in use: metas, trees, catalog, the map itself. */
  inUse: PageBitmap;
  /** Pages of the map, by chunk; page 0 stands for a chunk of zero bits. */
  chunks: PageReference[];
  /** The chain of directory pages. */
  directories: PageReference[];
}

export function readFreeMap(file: VfsFile, path: string, meta: Meta): FreeMap {
  const reader = new PageReader(file, path, meta);
  const map: FreeMap = { inUse: new PageBitmap(), chunks: [], directories: [] };
  const chunkPages = freeMapChunkPages(meta.pageBytes);
  const chunkCountMax = Math.ceil(meta.pageCount / chunkPages);
  let next: PageReference = { page: meta.freeMapPage, birth: meta.freeMapBirth };
  while (next.page !== NO_PAGE) {
    // A chain that leads back into itself ends here at the latest.
    if (map.directories.length > chunkCountMax) throw reader.damage(next.page, 'endless free map');
    map.directories.push(next);
    const directory = decodeFreeMapDirectory(reader.read(next), path);
    map.chunks.push(...directory.chunks);
    next = directory.next;
  }
  if (map.chunks.length > chunkCountMax) {
    throw reader.damage(meta.freeMapPage, 'the free map is longer than the file');
  }
  map.chunks.forEach((chunk, index) => {
    if (chunk.page === NO_PAGE) return;
    const bits = decodeFreeMapPage(reader.read(chunk), index, path);
    map.inUse.addBytes(index * chunkPages, bits);
  });
  requireConsistent(map, reader, meta);
  return map;
}

/** The map must know its own pages and the metas, and nothing behind the end of the file. */
function requireConsistent(map: FreeMap, reader: PageReader, meta: Meta): void {
  if (map.inUse.highest() >= meta.pageCount) {
    throw reader.damage(meta.freeMapPage, 'the free map names pages behind the end of the file');
  }
  for (let page = 0; page < META_PAGE_COUNT; page++) {
    if (!map.inUse.has(page)) throw reader.damage(page, 'the free map calls a meta page free');
  }
  for (const { page } of [...map.directories, ...map.chunks]) {
    if (!map.inUse.has(page)) throw reader.damage(page, 'the free map calls its own page free');
  }
}

class PageReader {
  readonly #file: VfsFile;
  readonly #path: string;
  readonly #meta: Meta;
  readonly #page: Uint8Array;

  constructor(file: VfsFile, path: string, meta: Meta) {
    this.#file = file;
    this.#path = path;
    this.#meta = meta;
    this.#page = new Uint8Array(meta.pageBytes);
  }

  /** The checked page; valid until the next call. */
  read(reference: PageReference): Uint8Array {
    const { page, birth } = reference;
    if (page < META_PAGE_COUNT || page >= this.#meta.pageCount) {
      throw this.damage(page, 'the free map refers to a page outside the file');
    }
    const count = this.#file.read(this.#page, page * this.#meta.pageBytes);
    if (count < this.#page.length) throw this.damage(page, 'the file ends inside the free map');
    const problem = checkPage(this.#page, page, birth);
    if (problem !== undefined) throw this.damage(page, `free map: ${problem}`);
    return this.#page;
  }

  damage(page: number, what: string): Error {
    return corrupt(this.#path, page * this.#meta.pageBytes, what);
  }
}
