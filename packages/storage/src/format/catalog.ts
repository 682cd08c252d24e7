/**
 * Entries of the catalog tree: one per column family, key = id (u32, big-endian, so that ids sort).
 *
 *   offset bytes field
 *        0     4 rootPage    root of the family's tree, 0 when it is empty
 *        4     8 rootBirth
 *       12     8 entryCount
 *       20     4 flags
 *       24     2 nameBytes
 *       26       name, UTF-8
 */
import { assert } from '../assert.js';
import { corrupt } from '../errors.js';
import { COLUMN_FAMILY_NAME_BYTES_MAX } from '../limits.js';
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from './bytes.js';
import { BIRTH_LIMIT } from './page-header.js';

const ROOT_PAGE_OFFSET = 0;
const ROOT_BIRTH_OFFSET = ROOT_PAGE_OFFSET + 4;
const ENTRY_COUNT_OFFSET = ROOT_BIRTH_OFFSET + 8;
const FLAGS_OFFSET = ENTRY_COUNT_OFFSET + 8;
const NAME_BYTES_OFFSET = FLAGS_OFFSET + 4;
const NAME_OFFSET = NAME_BYTES_OFFSET + 2;

export const CATALOG_KEY_BYTES = 4;
export const CATALOG_VALUE_BYTES_MAX = NAME_OFFSET + COLUMN_FAMILY_NAME_BYTES_MAX;
const ID_MAX = 0x7fff_ffff;

export interface CatalogEntry {
  rootPage: number;
  rootBirth: number;
  entryCount: number;
  flags: number;
  name: string;
}

export function encodeCatalogKey(columnFamilyId: number): Uint8Array {
  const key = new Uint8Array(CATALOG_KEY_BYTES);
  new DataView(key.buffer).setUint32(0, columnFamilyId);
  return key;
}

export function decodeCatalogKey(key: Uint8Array, path: string): number {
  if (key.length !== CATALOG_KEY_BYTES) {
    throw corrupt(path, 0, `a catalog key has ${key.length} bytes`);
  }
  const id = new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0);
  if (id > ID_MAX) throw corrupt(path, 0, `impossible column family id ${id}`);
  return id;
}

export function encodeCatalogValue(entry: CatalogEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  assert(name.length <= COLUMN_FAMILY_NAME_BYTES_MAX, 'the name of a column family fits');
  const value = new Uint8Array(NAME_OFFSET + name.length);
  writeU32(value, ROOT_PAGE_OFFSET, entry.rootPage);
  writeU64(value, ROOT_BIRTH_OFFSET, entry.rootBirth);
  writeU64(value, ENTRY_COUNT_OFFSET, entry.entryCount);
  writeU32(value, FLAGS_OFFSET, entry.flags);
  writeU16(value, NAME_BYTES_OFFSET, name.length);
  value.set(name, NAME_OFFSET);
  return value;
}

export function decodeCatalogValue(value: Uint8Array, path: string): CatalogEntry {
  if (value.length < NAME_OFFSET) {
    throw corrupt(path, 0, `a catalog entry has ${value.length} bytes`);
  }
  const nameBytes = readU16(value, NAME_BYTES_OFFSET);
  if (nameBytes !== value.length - NAME_OFFSET || nameBytes > COLUMN_FAMILY_NAME_BYTES_MAX) {
    throw corrupt(path, 0, `a catalog entry claims a name of ${nameBytes} bytes`);
  }
  const entry = {
    rootPage: readU32(value, ROOT_PAGE_OFFSET),
    rootBirth: readU64(value, ROOT_BIRTH_OFFSET),
    entryCount: readU64(value, ENTRY_COUNT_OFFSET),
    flags: readU32(value, FLAGS_OFFSET),
    name: decodeFamilyName(value.slice(NAME_OFFSET), path),
  };
  const isPossible =
    entry.rootPage <= ID_MAX &&
    entry.rootBirth < BIRTH_LIMIT &&
    Number.isSafeInteger(entry.entryCount);
  if (!isPossible) throw corrupt(path, 0, `impossible root of column family ${entry.name}`);
  return entry;
}

/**
 * The name of a column family. `bytes` is a private copy: shared bytes must never be decoded as
 * text.
 */
export function decodeFamilyName(bytes: Uint8Array, path: string, offset = 0): string {
  if (bytes.length === 0 || bytes.length > COLUMN_FAMILY_NAME_BYTES_MAX) {
    throw corrupt(path, offset, `the name of a column family has ${bytes.length} bytes`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw corrupt(path, offset, 'the name of a column family is not UTF-8');
  }
}
