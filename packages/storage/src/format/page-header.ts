/**
 * Header common to every page of the data file. Any thread may run this on bytes that nobody
 * changes meanwhile; sealing is done by the thread that is about to write the page.
 *
 *   offset bytes field
 *        0     4 checksum    CRC-32 of bytes 4..pageBytes
 *        4     4 pageNumber  own number, so that a misdirected write is found
 *        8     4 birthLow    allocation counter, low 32 bits
 *       12     2 birthHigh   its high 16 bits; the parent holds the same birth (lost writes)
 *       14     1 kind        see PageKind
 *       15     1 level       0 for leaves, height above them otherwise
 *       16    16 specific to the kind
 */
import { checksum } from '../checksum.js';
import { highWord, readU16, readU32, writeU16, writeU32 } from './bytes.js';

export const PAGE_HEADER_CHECKSUM = 0;
export const PAGE_CHECKSUM_BYTES = 4;
export const PAGE_HEADER_NUMBER = PAGE_HEADER_CHECKSUM + PAGE_CHECKSUM_BYTES;
export const PAGE_HEADER_BIRTH_LOW = PAGE_HEADER_NUMBER + 4;
export const PAGE_HEADER_BIRTH_HIGH = PAGE_HEADER_BIRTH_LOW + 4;
export const PAGE_HEADER_KIND = PAGE_HEADER_BIRTH_HIGH + 2;
export const PAGE_HEADER_LEVEL = PAGE_HEADER_KIND + 1;
export const PAGE_HEADER_SPECIFIC = PAGE_HEADER_LEVEL + 1;
export const PAGE_HEADER_BYTES = PAGE_HEADER_SPECIFIC + 16;

export const PageKind = {
  LEAF: 1,
  BRANCH: 2,
  OVERFLOW_DATA: 3,
  OVERFLOW_INDEX: 4,
  FREE_MAP: 5,
  FREE_MAP_DIRECTORY: 6,
  META: 7,
} as const;
export type PageKind = (typeof PageKind)[keyof typeof PageKind];

/** Births stay below this: 32 + 16 bits. */
export const BIRTH_LIMIT = 2 ** 48;
const BIRTH_HIGH_STEP = 2 ** 32;

export function isPageKind(kind: number): kind is PageKind {
  return kind >= PageKind.LEAF && kind <= PageKind.META;
}

/** Fills the header of a page; the specific part is zeroed. */
export function initPageHeader(
  page: Uint8Array,
  kind: PageKind,
  level: number,
  birth: number,
): void {
  page.fill(0, 0, PAGE_HEADER_BYTES);
  writePageBirth(page, birth);
  page[PAGE_HEADER_KIND] = kind;
  page[PAGE_HEADER_LEVEL] = level;
}

export function readPageNumber(page: Uint8Array): number {
  return readU32(page, PAGE_HEADER_NUMBER);
}

export function readPageBirth(page: Uint8Array): number {
  const high = readU16(page, PAGE_HEADER_BIRTH_HIGH);
  return readU32(page, PAGE_HEADER_BIRTH_LOW) + high * BIRTH_HIGH_STEP;
}

export function writePageBirth(page: Uint8Array, birth: number): void {
  writeU32(page, PAGE_HEADER_BIRTH_LOW, birth);
  writeU16(page, PAGE_HEADER_BIRTH_HIGH, highWord(birth));
}

/** Writes page number and checksum in place: the last step before the page goes to disk. */
export function sealPage(page: Uint8Array, pageNumber: number): void {
  writeU32(page, PAGE_HEADER_NUMBER, pageNumber);
  writeU32(page, PAGE_HEADER_CHECKSUM, checksum(page.subarray(PAGE_CHECKSUM_BYTES)));
}

/** What is wrong with a page read from disk; `undefined` when it is the expected one. */
export function checkPage(
  page: Uint8Array,
  pageNumber: number,
  expectedBirth: number | undefined,
): string | undefined {
  if (readU32(page, PAGE_HEADER_CHECKSUM) !== checksum(page.subarray(PAGE_CHECKSUM_BYTES))) {
    return `page ${pageNumber}: checksum mismatch`;
  }
  const ownNumber = readPageNumber(page);
  if (ownNumber !== pageNumber) return `page ${pageNumber}: holds page ${ownNumber}`;
  if (!isPageKind(page[PAGE_HEADER_KIND])) {
    return `page ${pageNumber}: unknown kind ${page[PAGE_HEADER_KIND]}`;
  }
  const birth = readPageBirth(page);
  if (expectedBirth !== undefined && birth !== expectedBirth) {
    return `page ${pageNumber}: birth ${birth}, its parent expects ${expectedBirth}`;
  }
  return undefined;
}
