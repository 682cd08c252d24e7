/**
 * Meta pages: pages 0 and 1 of the data file, written alternately by the apply worker, read at
 * open.
 * After the common page header (page-header.ts; its birth is the generation):
 *
 *   offset bytes field
 *       32     8 magic              'MNFDDATA'
 *       40     4 formatVersion      refused before the checksum is looked at
 *       44     4 features
 *       48     4 pageBytes
 *       52     4 zero
 *       56    16 databaseId
 *       72     8 metaGeneration     slot = generation & 1
 *       80     8 sequence           S: everything up to it is in the trees
 *       88     8 birthCounter       next birth to hand out
 *       96     4 catalogPage        root of the catalog tree, 0 when there are no families
 *      100     8 catalogBirth
 *      108     8 catalogCount       column families in the catalog
 *      116     4 pageCount          end of the file in pages
 *      120     4 freeMapPage        first directory page of the free map
 *      124     8 freeMapBirth
 *      132     4 nextColumnFamilyId
 *      136     8 walSegmentNumber   oldest log segment that recovery may need
 *      144     8 createdAtMs
 *      152       zeros to the end of the page
 *
 * Invariants:
 * 1. A data file is made complete under a temporary name, both metas valid, and then renamed. So a
 *    file without any valid meta is damaged, never new.
 * 2. The generation decides which valid meta counts; a meta in the wrong slot is damaged.
 */
import { corrupt } from '../errors.js';
import { assert } from '../assert.js';
import { PAGE_BYTES_MAX, PAGE_BYTES_MIN } from '../limits.js';
import type { VfsFile } from '../vfs/vfs.js';
import {
  DATABASE_ID_BYTES,
  isAscii,
  isSameId,
  isZero,
  readU32,
  readU64,
  writeAscii,
  writeU32,
  writeU64,
} from './bytes.js';
import {
  BIRTH_LIMIT,
  PAGE_HEADER_BYTES,
  PAGE_HEADER_KIND,
  PageKind,
  checkPage,
  initPageHeader,
  sealPage,
} from './page-header.js';
import { SEGMENT_NUMBER_MAX } from './segment.js';
import { FEATURES_KNOWN, FORMAT_VERSION, requireKnownFormat } from './version.js';

const MAGIC = 'MNFDDATA';
const MAGIC_OFFSET = PAGE_HEADER_BYTES;
const FORMAT_VERSION_OFFSET = MAGIC_OFFSET + MAGIC.length;
const FEATURES_OFFSET = FORMAT_VERSION_OFFSET + 4;
const PAGE_BYTES_OFFSET = FEATURES_OFFSET + 4;
const DATABASE_ID_OFFSET = PAGE_BYTES_OFFSET + 8;
const GENERATION_OFFSET = DATABASE_ID_OFFSET + DATABASE_ID_BYTES;
const SEQUENCE_OFFSET = GENERATION_OFFSET + 8;
const BIRTH_COUNTER_OFFSET = SEQUENCE_OFFSET + 8;
const CATALOG_PAGE_OFFSET = BIRTH_COUNTER_OFFSET + 8;
const CATALOG_BIRTH_OFFSET = CATALOG_PAGE_OFFSET + 4;
const CATALOG_COUNT_OFFSET = CATALOG_BIRTH_OFFSET + 8;
const PAGE_COUNT_OFFSET = CATALOG_COUNT_OFFSET + 8;
const FREE_MAP_PAGE_OFFSET = PAGE_COUNT_OFFSET + 4;
const FREE_MAP_BIRTH_OFFSET = FREE_MAP_PAGE_OFFSET + 4;
const NEXT_COLUMN_FAMILY_ID_OFFSET = FREE_MAP_BIRTH_OFFSET + 8;
const WAL_SEGMENT_NUMBER_OFFSET = NEXT_COLUMN_FAMILY_ID_OFFSET + 4;
const CREATED_AT_OFFSET = WAL_SEGMENT_NUMBER_OFFSET + 8;
export const META_END_OFFSET = CREATED_AT_OFFSET + 8;

export const META_PAGE_COUNT = 2;
const PAGE_COUNT_MAX = 0x7fff_ffff;

export interface Meta {
  pageBytes: number;
  /** 16 bytes. */
  databaseId: Uint8Array;
  metaGeneration: number;
  sequence: number;
  birthCounter: number;
  catalogPage: number;
  catalogBirth: number;
  catalogCount: number;
  pageCount: number;
  freeMapPage: number;
  freeMapBirth: number;
  nextColumnFamilyId: number;
  walSegmentNumber: number;
  createdAtMs: number;
}

/** The page of a generation: the one that does not hold the generation before. */
export function metaSlot(metaGeneration: number): number {
  return metaGeneration % META_PAGE_COUNT;
}

/** A sealed meta page; write it at `metaSlot(meta.metaGeneration) * pageBytes`. */
export function encodeMeta(meta: Meta): Uint8Array {
  assert(isAllowedPageBytes(meta.pageBytes), 'the page size of a meta is allowed');
  assert(meta.databaseId.length === DATABASE_ID_BYTES, 'a database id has 16 bytes');
  const page = new Uint8Array(meta.pageBytes);
  initPageHeader(page, PageKind.META, 0, meta.metaGeneration);
  writeAscii(page, MAGIC_OFFSET, MAGIC);
  writeU32(page, FORMAT_VERSION_OFFSET, FORMAT_VERSION);
  writeU32(page, FEATURES_OFFSET, FEATURES_KNOWN);
  writeU32(page, PAGE_BYTES_OFFSET, meta.pageBytes);
  page.set(meta.databaseId, DATABASE_ID_OFFSET);
  writeU64(page, GENERATION_OFFSET, meta.metaGeneration);
  writeU64(page, SEQUENCE_OFFSET, meta.sequence);
  writeU64(page, BIRTH_COUNTER_OFFSET, meta.birthCounter);
  writeU32(page, CATALOG_PAGE_OFFSET, meta.catalogPage);
  writeU64(page, CATALOG_BIRTH_OFFSET, meta.catalogBirth);
  writeU64(page, CATALOG_COUNT_OFFSET, meta.catalogCount);
  writeU32(page, PAGE_COUNT_OFFSET, meta.pageCount);
  writeU32(page, FREE_MAP_PAGE_OFFSET, meta.freeMapPage);
  writeU64(page, FREE_MAP_BIRTH_OFFSET, meta.freeMapBirth);
  writeU32(page, NEXT_COLUMN_FAMILY_ID_OFFSET, meta.nextColumnFamilyId);
  writeU64(page, WAL_SEGMENT_NUMBER_OFFSET, meta.walSegmentNumber);
  writeU64(page, CREATED_AT_OFFSET, meta.createdAtMs);
  const slot = metaSlot(meta.metaGeneration);
  sealPage(page, slot);
  assert(metaProblem(page, slot) === undefined, 'a meta page that is written can be read');
  return page;
}

export function isAllowedPageBytes(pageBytes: number): boolean {
  const isPowerOfTwo = (pageBytes & (pageBytes - 1)) === 0;
  return pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && isPowerOfTwo;
}

function fieldsOf(page: Uint8Array): Meta {
  return {
    pageBytes: readU32(page, PAGE_BYTES_OFFSET),
    databaseId: page.slice(DATABASE_ID_OFFSET, DATABASE_ID_OFFSET + DATABASE_ID_BYTES),
    metaGeneration: readU64(page, GENERATION_OFFSET),
    sequence: readU64(page, SEQUENCE_OFFSET),
    birthCounter: readU64(page, BIRTH_COUNTER_OFFSET),
    catalogPage: readU32(page, CATALOG_PAGE_OFFSET),
    catalogBirth: readU64(page, CATALOG_BIRTH_OFFSET),
    catalogCount: readU64(page, CATALOG_COUNT_OFFSET),
    pageCount: readU32(page, PAGE_COUNT_OFFSET),
    freeMapPage: readU32(page, FREE_MAP_PAGE_OFFSET),
    freeMapBirth: readU64(page, FREE_MAP_BIRTH_OFFSET),
    nextColumnFamilyId: readU32(page, NEXT_COLUMN_FAMILY_ID_OFFSET),
    walSegmentNumber: readU64(page, WAL_SEGMENT_NUMBER_OFFSET),
    createdAtMs: readU64(page, CREATED_AT_OFFSET),
  };
}

/** A field whose value cannot be, although the checksum is right. */
function impossibleField(meta: Meta, pageBytes: number, slot: number): string | undefined {
  if (meta.pageBytes !== pageBytes) return `pageBytes ${meta.pageBytes}`;
  for (const name of ['metaGeneration', 'sequence', 'walSegmentNumber', 'createdAtMs'] as const) {
    if (!Number.isSafeInteger(meta[name])) return `${name} ${meta[name]}`;
  }
  const { walSegmentNumber } = meta;
  if (walSegmentNumber > SEGMENT_NUMBER_MAX) return `walSegmentNumber ${walSegmentNumber}`;
  if (metaSlot(meta.metaGeneration) !== slot) return `generation ${meta.metaGeneration}`;
  for (const name of ['birthCounter', 'catalogBirth', 'freeMapBirth'] as const) {
    if (meta[name] >= BIRTH_LIMIT) return `${name} ${meta[name]}`;
  }
  const isPageCountAllowed = meta.pageCount >= META_PAGE_COUNT && meta.pageCount <= PAGE_COUNT_MAX;
  if (!isPageCountAllowed) return `pageCount ${meta.pageCount}`;
  for (const name of ['catalogPage', 'freeMapPage'] as const) {
    const page = meta[name];
    if (page >= meta.pageCount || page === 1) return `${name} ${page}`;
  }
  if (meta.catalogCount > meta.nextColumnFamilyId) return `catalogCount ${meta.catalogCount}`;
  return undefined;
}

/** What is wrong with a whole meta page, its checksum included. */
function metaProblem(page: Uint8Array, slot: number): string | undefined {
  if (!isAscii(page, MAGIC_OFFSET, MAGIC)) {
    return isZero(page) ? `meta page ${slot}: all zeros` : `meta page ${slot}: no magic number`;
  }
  const problem = checkPage(page, slot, undefined);
  if (problem !== undefined) return `meta ${problem}`;
  if (page[PAGE_HEADER_KIND] !== PageKind.META) return `meta page ${slot}: not a meta page`;
  const field = impossibleField(fieldsOf(page), page.length, slot);
  return field === undefined ? undefined : `meta page ${slot}: impossible ${field}`;
}

/** The meta of one page, or what is wrong with it. Throws only ERR_MANIFOLD_FORMAT. */
export function decodeMeta(
  page: Uint8Array,
  slot: number,
  path: string,
): { meta: Meta; problem: undefined } | { meta: undefined; problem: string } {
  if (isAscii(page, MAGIC_OFFSET, MAGIC)) {
    requireKnownFormat(path, readU32(page, FORMAT_VERSION_OFFSET), readU32(page, FEATURES_OFFSET));
  }
  const problem = metaProblem(page, slot);
  return problem === undefined ? { meta: fieldsOf(page), problem } : { meta: undefined, problem };
}

export interface MetaChoice {
  /** The newest valid meta. */
  meta: Meta;
  /** What is wrong with the other page; `undefined` when it is valid too. */
  otherProblem: string | undefined;
}

/** Reads a page that may lie beyond the end of a short file; what is missing reads as zeros. */
function readSlot(file: VfsFile, slot: number, pageBytes: number): Uint8Array {
  const page = new Uint8Array(pageBytes);
  file.read(page, slot * pageBytes);
  return page;
}

function chooseNewest(file: VfsFile, path: string, pageBytes: number): MetaChoice | string {
  const first = decodeMeta(readSlot(file, 0, pageBytes), 0, path);
  const second = decodeMeta(readSlot(file, 1, pageBytes), 1, path);
  if (first.meta === undefined && second.meta === undefined) {
    return `${first.problem}; ${second.problem}`;
  }
  if (first.meta === undefined) return { meta: second.meta as Meta, otherProblem: first.problem };
  if (second.meta === undefined) return { meta: first.meta, otherProblem: second.problem };
  if (!isSameId(first.meta.databaseId, second.meta.databaseId)) {
    return 'the two meta pages belong to different databases';
  }
  const isFirstNewer = first.meta.metaGeneration > second.meta.metaGeneration;
  return { meta: isFirstNewer ? first.meta : second.meta, otherProblem: undefined };
}

/**
 * The meta page that counts. `file` is a data file that exists under its final name: whatever is
 * unreadable in it is damage (ERR_MANIFOLD_CORRUPT); another format is ERR_MANIFOLD_FORMAT.
 */
export function readMetas(file: VfsFile, path: string): MetaChoice {
  const fileBytes = file.size();
  const start = readSlot(file, 0, PAGE_BYTES_MIN);
  let claimed = 0;
  if (isAscii(start, MAGIC_OFFSET, MAGIC)) {
    requireKnownFormat(
      path,
      readU32(start, FORMAT_VERSION_OFFSET),
      readU32(start, FEATURES_OFFSET),
    );
    claimed = readU32(start, PAGE_BYTES_OFFSET);
  }
  // The size that page 0 claims comes first; when page 0 is damaged, page 1 is where it is valid.
  const sizes = isAllowedPageBytes(claimed) ? [claimed] : [];
  for (let bytes = PAGE_BYTES_MIN; bytes <= PAGE_BYTES_MAX; bytes *= 2) {
    if (bytes !== claimed) sizes.push(bytes);
  }
  let firstProblem: string | undefined;
  for (const pageBytes of sizes) {
    const choice = chooseNewest(file, path, pageBytes);
    if (typeof choice !== 'string') {
      requireWholeFile(choice.meta, fileBytes, path);
      return choice;
    }
    firstProblem ??= choice;
  }
  const isEmpty = fileBytes === 0 ? 'the file is empty' : firstProblem;
  throw corrupt(path, 0, `no valid meta page: ${isEmpty}`);
}

function requireWholeFile(meta: Meta, fileBytes: number, path: string): void {
  const wantedBytes = meta.pageCount * meta.pageBytes;
  if (fileBytes < wantedBytes) {
    throw corrupt(path, fileBytes, `the file ends before its last page (${wantedBytes} bytes)`);
  }
}
