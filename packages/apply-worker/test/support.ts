/** Parts of the harness without state: sizes, files, contents. */
import {
  DATA_FILE_NAME,
  KIB,
  SimulatedDisk,
  TreeRoot,
  createDatabaseFiles,
  type RootRow,
  type SharedSizes,
  type Vfs,
} from '@manifold-db/storage';

export const DIRECTORY = '/db';
export const DATA_PATH = `${DIRECTORY}/${DATA_FILE_NAME}`;
export const SIZES: SharedSizes = {
  pageBytes: 4 * KIB,
  cacheBytes: 4096 * KIB,
  walRingBytes: 64 * KIB,
  walSegmentBytes: 64 * KIB,
  walBytesMax: 1024 * KIB,
  pendingCommitsMax: 1024,
  applyWorkers: 1,
  writeBufferBytes: 0,
  writeBufferCount: 0,
};

/** Family (slot) to key to value; `undefined` deletes. */
export type Changes = Record<number, Record<string, string | undefined>>;

/** Sequence to content of every family at that sequence. */
export type Content = Record<number, Record<string, string>>;

export function createFiles(vfs: Vfs, directory: string, sizes: SharedSizes): void {
  createDatabaseFiles(vfs, directory, {
    pageBytes: sizes.pageBytes,
    walSegmentBytes: sizes.walSegmentBytes,
    databaseId: new Uint8Array(16).fill(7),
    createdAtMs: 1,
  });
}

export function newDisk(sizes: SharedSizes): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.vfs().makeDirectory(DIRECTORY);
  disk.vfs().syncDirectory('/');
  createFiles(disk.vfs(), DIRECTORY, sizes);
  return disk;
}

export function rootOf(row: RootRow): TreeRoot {
  const root = new TreeRoot();
  root.page = row.page;
  root.birth = row.birth;
  root.count = row.count;
  return root;
}

/** `count` entries of about `bytes` bytes each. */
export function entries(prefix: string, count: number, bytes: number): Record<string, string> {
  const result: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    result[`${prefix}${String(i).padStart(6, '0')}`] = `${prefix}${i}`.padEnd(bytes, '.');
  }
  return result;
}

/** Without families that hold nothing: some are known to one side only. */
export function withoutEmpty(content: Content | undefined): Content {
  const families = Object.entries(content ?? {});
  return Object.fromEntries(families.filter(([, family]) => Object.keys(family).length > 0));
}
