import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManifoldError } from '../errors.js';
import { SimulatedDisk } from '../vfs/simulated.js';
import type { VfsFile } from '../vfs/vfs.js';
import { toHex } from './bytes.js';
import {
  decodeCatalogKey,
  decodeCatalogValue,
  encodeCatalogKey,
  encodeCatalogValue,
} from './catalog.js';
import {
  decodeFreeMapDirectory,
  decodeFreeMapPage,
  encodeFreeMapDirectory,
  encodeFreeMapPage,
  freeMapChunkPages,
  freeMapDirectoryEntries,
} from './free-map.js';
import { META_END_OFFSET, decodeMeta, encodeMeta, metaSlot, readMetas, type Meta } from './meta.js';
import {
  PAGE_HEADER_BYTES,
  PageKind,
  checkPage,
  initPageHeader,
  readPageBirth,
  sealPage,
} from './page-header.js';

const PATH = 'data.manifold';
const BIRTH = 0x1234_5678_9abc;

function meta(changes: Partial<Meta> = {}): Meta {
  return {
    pageBytes: 4096,
    databaseId: Uint8Array.from({ length: 16 }, (_, index) => index + 1),
    metaGeneration: 6,
    sequence: 2 ** 40 + 5,
    birthCounter: BIRTH,
    catalogPage: 7,
    catalogBirth: BIRTH - 1,
    catalogCount: 3,
    pageCount: 20,
    freeMapPage: 9,
    freeMapBirth: BIRTH - 2,
    nextColumnFamilyId: 5,
    walSegmentNumber: 11,
    createdAtMs: 1_700_000_000_000,
    ...changes,
  };
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof ManifoldError) return error.code;
    throw error;
  }
  return undefined;
}

/** A data file of 20 pages with those metas, in memory. */
function dataFile(first: Uint8Array | undefined, second: Uint8Array | undefined): VfsFile {
  const pageBytes = (first ?? second ?? new Uint8Array(4096)).length;
  const file = new SimulatedDisk().vfs().open('/data', 'create');
  file.truncate(20 * pageBytes);
  if (first !== undefined) file.write([first], 0);
  if (second !== undefined) file.write([second], pageBytes);
  return file;
}

describe('page header', () => {
  it('keeps its bytes', () => {
    const page = new Uint8Array(4096);
    initPageHeader(page, PageKind.BRANCH, 2, BIRTH);
    sealPage(page, 0x01020304);
    expect(toHex(page.subarray(0, PAGE_HEADER_BYTES))).toBe(
      '57122e6a04030201bc9a78563412020200000000000000000000000000000000',
    );
    expect(checkPage(page, 0x01020304, BIRTH)).toBeUndefined();
    expect(readPageBirth(page)).toBe(BIRTH);
  });

  it('finds a page that was torn, lost or written to the wrong place', () => {
    const page = new Uint8Array(4096);
    initPageHeader(page, PageKind.LEAF, 0, 77);
    sealPage(page, 5);
    expect(checkPage(page, 5, undefined)).toBeUndefined();
    expect(checkPage(page, 6, 77)).toContain('holds page 5');
    expect(checkPage(page, 5, 78)).toContain('birth 77');
    expect(checkPage(new Uint8Array(4096), 0, undefined)).toContain('checksum');
    page[14] = 9;
    sealPage(page, 5);
    expect(checkPage(page, 5, 77)).toContain('unknown kind 9');
  });

  it('notices every flipped bit', () => {
    const page = new Uint8Array(4096).map((_, index) => index);
    initPageHeader(page, PageKind.LEAF, 0, 77);
    sealPage(page, 5);
    for (let bit = 0; bit < 8 * 4096; bit += 37) {
      page[bit >>> 3] ^= 1 << (bit & 7);
      expect(checkPage(page, 5, undefined)).toBeDefined();
      page[bit >>> 3] ^= 1 << (bit & 7);
    }
    expect(checkPage(page, 5, 77)).toBeUndefined();
  });
});

describe('meta pages', () => {
  it('keep their bytes', () => {
    const page = encodeMeta(meta());
    expect(toHex(page.subarray(0, META_END_OFFSET))).toBe(
      '7f675af800000000060000000000070000000000000000000000000000000000' +
        '4d4e464444415441010000000000000000100000000000000102030405060708' +
        '090a0b0c0d0e0f1006000000000000000500000000010000bc9a785634120000' +
        '07000000bb9a78563412000003000000000000001400000009000000ba9a7856' +
        '34120000050000000b000000000000000068e5cf8b010000',
    );
    expect(decodeMeta(page, 0, PATH)).toEqual({ meta: meta(), problem: undefined });
  });

  it('round-trip at every size', () => {
    for (const pageBytes of [4096, 8192, 16_384, 32_768, 65_536]) {
      const one = meta({ pageBytes, metaGeneration: 7 });
      expect(metaSlot(7)).toBe(1);
      expect(decodeMeta(encodeMeta(one), 1, PATH).meta).toEqual(one);
      expect(decodeMeta(encodeMeta(one), 0, PATH).problem).toBeDefined();
      const choice = readMetas(dataFile(undefined, encodeMeta(one)), PATH);
      expect(choice.meta).toEqual(one);
      expect(choice.otherProblem).toContain('all zeros');
    }
  });

  it('are chosen by generation, and a damaged one is passed over', () => {
    const older = encodeMeta(meta({ metaGeneration: 6 }));
    const newer = encodeMeta(meta({ metaGeneration: 7, sequence: 9 }));
    const both = readMetas(dataFile(older, newer), PATH);
    expect([both.meta.metaGeneration, both.otherProblem]).toEqual([7, undefined]);
    const next = encodeMeta(meta({ metaGeneration: 8, sequence: 9 }));
    expect(readMetas(dataFile(next, newer), PATH).meta.metaGeneration).toBe(8);
    newer[100] ^= 4;
    const fallback = readMetas(dataFile(older, newer), PATH);
    expect(fallback.meta.metaGeneration).toBe(6);
    expect(fallback.otherProblem).toContain('checksum');
  });

  it('that are both unreadable mean damage, never a new database', () => {
    expect(codeOf(() => readMetas(dataFile(undefined, undefined), PATH))).toBe(
      'ERR_MANIFOLD_CORRUPT',
    );
    const empty = new SimulatedDisk().vfs().open('/data', 'create');
    expect(codeOf(() => readMetas(empty, PATH))).toBe('ERR_MANIFOLD_CORRUPT');
    const other = meta({ metaGeneration: 7, databaseId: new Uint8Array(16) });
    const mixed = dataFile(encodeMeta(meta()), encodeMeta(other));
    expect(codeOf(() => readMetas(mixed, PATH))).toBe('ERR_MANIFOLD_CORRUPT');
  });

  it('notice a file that was cut', () => {
    const file = dataFile(encodeMeta(meta()), encodeMeta(meta({ metaGeneration: 7 })));
    file.truncate(19 * 4096);
    expect(codeOf(() => readMetas(file, PATH))).toBe('ERR_MANIFOLD_CORRUPT');
  });

  it('of another format are refused before their checksum is looked at', () => {
    for (const [offset, what] of [
      [40, 'format version 2'],
      [44, 'feature bits 0x2'],
    ] as const) {
      const page = encodeMeta(meta());
      page[offset] = 2;
      const file = dataFile(page, undefined);
      expect(codeOf(() => readMetas(file, PATH))).toBe('ERR_MANIFOLD_FORMAT');
      expect(() => readMetas(file, PATH)).toThrow(what);
    }
  });

  it('survive any flipped bit as a typed error or as the other meta', () => {
    const older = encodeMeta(meta({ metaGeneration: 6 }));
    const newer = encodeMeta(meta({ metaGeneration: 7 }));
    const bits = fc.array(fc.nat(META_END_OFFSET * 8 - 1), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(bits, bits, (first, second) => {
        const pages = [older.slice(), newer.slice()];
        for (const bit of new Set(first)) pages[0][bit >>> 3] ^= 1 << (bit & 7);
        for (const bit of new Set(second)) pages[1][bit >>> 3] ^= 1 << (bit & 7);
        expect(codeOf(() => readMetas(dataFile(pages[0], pages[1]), PATH))).toMatch(
          /^ERR_MANIFOLD_(CORRUPT|FORMAT)$/,
        );
        expect(readMetas(dataFile(older, pages[1].fill(0)), PATH).meta.metaGeneration).toBe(6);
      }),
      { numRuns: 60 },
    );
  });

  it('with a right checksum and impossible fields are damaged', () => {
    for (const [offset, bytes] of [
      [116, [1, 0, 0, 0]],
      [96, [20, 0, 0, 0]],
      [120, [1, 0, 0, 0]],
      [84, [255, 255, 255, 255]],
      [48, [0, 32, 0, 0]],
      [140, [0, 4, 0, 0]],
    ] as const) {
      const page = encodeMeta(meta());
      page.set(bytes, offset);
      sealPage(page, 0);
      expect(decodeMeta(page, 0, PATH).problem).toContain('impossible');
    }
  });
});

describe('catalog entries', () => {
  const entry = { rootPage: 8, rootBirth: BIRTH, entryCount: 2 ** 33, flags: 5, name: 'käse' };

  it('keep their bytes', () => {
    expect(toHex(encodeCatalogKey(0x01020304))).toBe('01020304');
    expect(toHex(encodeCatalogValue(entry))).toBe(
      '08000000bc9a78563412000000000000020000000500000005006bc3a47365',
    );
    expect(decodeCatalogKey(encodeCatalogKey(77), PATH)).toBe(77);
    expect(decodeCatalogValue(encodeCatalogValue(entry), PATH)).toEqual(entry);
  });

  it('are bounded', () => {
    expect(codeOf(() => decodeCatalogKey(new Uint8Array(3), PATH))).toBe('ERR_MANIFOLD_CORRUPT');
    const value = encodeCatalogValue(entry);
    for (const broken of [
      value.subarray(0, 20),
      value.subarray(0, 28),
      Buffer.concat([value, value]),
    ]) {
      expect(codeOf(() => decodeCatalogValue(broken, PATH))).toBe('ERR_MANIFOLD_CORRUPT');
    }
    value[28] = 0xff;
    expect(codeOf(() => decodeCatalogValue(value, PATH))).toBe('ERR_MANIFOLD_CORRUPT');
  });

  it('never crash on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const code = codeOf(() => decodeCatalogValue(bytes, PATH));
        if (code === undefined) {
          expect(Buffer.from(encodeCatalogValue(decodeCatalogValue(bytes, PATH)))).toEqual(
            Buffer.from(bytes),
          );
        } else expect(code).toBe('ERR_MANIFOLD_CORRUPT');
      }),
    );
  });
});

describe('free map', () => {
  it('keeps its bytes', () => {
    const page = new Uint8Array(4096);
    encodeFreeMapPage(page, 3, 2, Uint8Array.of(0b101, 0xff));
    sealPage(page, 12);
    expect(checkPage(page, 12, 3)).toBeUndefined();
    expect(toHex(page.subarray(4, 36))).toBe(
      `0c000000030000000000050002000000${'00'.repeat(12)}05ff0000`,
    );
    expect(decodeFreeMapPage(page, 2, PATH).subarray(0, 3)).toEqual(Uint8Array.of(0b101, 0xff, 0));
    expect(freeMapChunkPages(4096)).toBe(4064 * 8);
    expect(codeOf(() => decodeFreeMapPage(page, 3, PATH))).toBe('ERR_MANIFOLD_CORRUPT');
    expect(codeOf(() => decodeFreeMapDirectory(page, PATH))).toBe('ERR_MANIFOLD_CORRUPT');
  });

  it('keeps the bytes of its directory', () => {
    const page = new Uint8Array(4096);
    const directory = {
      next: { page: 4, birth: BIRTH },
      chunks: [
        { page: 5, birth: BIRTH + 1 },
        { page: 0, birth: 0 },
      ],
    };
    encodeFreeMapDirectory(page, 3, directory);
    expect(toHex(page.subarray(16, 56))).toBe(
      `04000000bc9a7856341200000200000005000000bd9a785634120000${'00'.repeat(12)}`,
    );
    expect(decodeFreeMapDirectory(page, PATH)).toEqual(directory);
    expect(freeMapDirectoryEntries(4096)).toBe(338);
    page[28] = 0x53;
    page[29] = 1;
    expect(codeOf(() => decodeFreeMapDirectory(page, PATH))).toBe('ERR_MANIFOLD_CORRUPT');
  });

  it('never crashes on random directory pages', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 512 }), (bytes) => {
        bytes[14] = PageKind.FREE_MAP_DIRECTORY;
        const code = codeOf(() => decodeFreeMapDirectory(bytes, PATH));
        expect([undefined, 'ERR_MANIFOLD_CORRUPT']).toContain(code);
      }),
    );
  });
});
