/**
 * Branded identifiers. They are plain numbers at run time; the brand keeps a page number from being
 * passed where a frame index is meant. Values enter a brand only through a checked constructor;
 * hot loops inside one file may use plain numbers and brand the result once.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** Number of a page in the data file: 0 and 1 are the meta pages, 0 doubles as "no page". */
export type PageNumber = Branded<'PageNumber'>;
/** Index of a page-sized slot of shared memory. */
export type FrameIndex = Branded<'FrameIndex'>;
/** Commit sequence: one per commit, starting at 1; 0 is the empty database. */
export type Sequence = Branded<'Sequence'>;
/** Column family id, never reused. */
export type ColumnFamilyId = Branded<'ColumnFamilyId'>;

export const NO_PAGE = 0 as PageNumber;
export const NO_FRAME = -1 as FrameIndex;
export const FIRST_DATA_PAGE = 2 as PageNumber;
export const NO_SEQUENCE = 0 as Sequence;

const INT32_MAX = 0x7fffffff;

export function pageNumber(value: number): PageNumber {
  if (!Number.isInteger(value) || value < 0 || value > INT32_MAX) {
    throw new RangeError(`not a page number: ${value}`);
  }
  return value as PageNumber;
}

export function frameIndex(value: number): FrameIndex {
  if (!Number.isInteger(value) || value < 0 || value > INT32_MAX) {
    throw new RangeError(`not a frame index: ${value}`);
  }
  return value as FrameIndex;
}

export function sequence(value: number): Sequence {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`not a sequence: ${value}`);
  }
  return value as Sequence;
}

export function columnFamilyId(value: number): ColumnFamilyId {
  if (!Number.isInteger(value) || value < 0 || value > INT32_MAX) {
    throw new RangeError(`not a column family id: ${value}`);
  }
  return value as ColumnFamilyId;
}
