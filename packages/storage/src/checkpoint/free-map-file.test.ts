/**
 * Free maps whose checksums are right and whose content cannot be: every one is
 * ERR_MANIFOLD_CORRUPT, none is believed.
 */
import { describe, expect, it } from 'vitest';
import {
  encodeFreeMapDirectory,
  encodeFreeMapPage,
  freeMapChunkPages,
  type PageReference,
} from '../format/free-map.js';
import type { Meta } from '../format/meta.js';
import { sealPage } from '../format/page-header.js';
import { NO_PAGE } from '../ids.js';
import { KIB } from '../limits.js';
import { SimulatedDisk } from '../vfs/simulated.js';
import type { VfsFile } from '../vfs/vfs.js';
import { readFreeMap } from './free-map-file.js';

const PATH = '/data';
const PAGE_BYTES = 4 * KIB;
const MAP: PageReference = { page: 2, birth: 11 };
const DIRECTORY: PageReference = { page: 3, birth: 12 };
const NONE: PageReference = { page: NO_PAGE, birth: 0 };
const PAGE_COUNT = 6;

interface Shape {
  /** Bit per page. */
  readonly bits?: number;
  readonly chunks?: readonly PageReference[];
  readonly next?: PageReference;
  readonly pageCount?: number;
  readonly directory?: PageReference;
}

function write(file: VfsFile, { page }: PageReference, fill: (bytes: Uint8Array) => void): void {
  const bytes = new Uint8Array(PAGE_BYTES);
  fill(bytes);
  sealPage(bytes, page);
  file.write([bytes], page * PAGE_BYTES);
}

function read(shape: Shape) {
  const { bits = 0b1111, chunks = [MAP], next = NONE, pageCount = PAGE_COUNT } = shape;
  const file = new SimulatedDisk().vfs().open(PATH, 'create');
  write(file, MAP, (bytes) => encodeFreeMapPage(bytes, MAP.birth, 0, new Uint8Array([bits])));
  write(file, DIRECTORY, (bytes) =>
    encodeFreeMapDirectory(bytes, DIRECTORY.birth, { next, chunks: [...chunks] }),
  );
  const { page: freeMapPage, birth: freeMapBirth } = shape.directory ?? DIRECTORY;
  const meta = { pageBytes: PAGE_BYTES, pageCount, freeMapPage, freeMapBirth } as Meta;
  return readFreeMap(file, PATH, meta);
}

function refused(problem: string) {
  return expect.objectContaining({
    code: 'ERR_MANIFOLD_CORRUPT',
    message: expect.stringContaining(problem) as string,
  }) as Error;
}

describe('a free map', () => {
  it('is read with its own pages', () => {
    const map = read({});
    expect([...map.inUse.toArray()]).toEqual([0, 1, 2, 3]);
    expect(map.directories).toEqual([DIRECTORY]);
  });

  it('may leave out a chunk without pages in use', () => {
    const pageCount = freeMapChunkPages(PAGE_BYTES) + 1;
    expect(read({ chunks: [MAP, NONE], pageCount }).chunks).toEqual([MAP, NONE]);
  });

  it.each<[string, Shape]>([
    ['endless free map', { next: DIRECTORY }],
    ['longer than the file', { chunks: [MAP, NONE] }],
    ['behind the end of the file', { bits: 0b1100_1111 }],
    ['calls a meta page free', { bits: 0b1110 }],
    ['calls its own page free', { bits: 0b0111 }],
    ['a page outside the file', { chunks: [{ page: PAGE_COUNT, birth: 1 }] }],
    ['a page outside the file', { directory: { page: 1, birth: 1 } }],
    ['ends inside the free map', { chunks: [{ page: PAGE_COUNT - 1, birth: 1 }] }],
    ['free map: ', { chunks: [{ ...MAP, birth: 99 }] }],
  ])('is refused: %s', (problem, shape) => {
    expect(() => read(shape)).toThrow(refused(problem));
  });
});
