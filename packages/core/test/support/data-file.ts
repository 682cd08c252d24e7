/** Looking into the data file of a closed or read-only database, and damaging it on purpose. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  DATA_FILE_NAME,
  PAGE_HEADER_KIND,
  PageSource,
  checkSubtree,
  createRealVfs,
  decodeCatalogValue,
  loadCheckpoint,
  rootClaim,
  sealPage,
  type LoadedCheckpoint,
} from '@manifold-db/storage';

export interface DataFile {
  readonly path: string;
  readonly pageBytes: number;
  readonly checkpoint: LoadedCheckpoint;
  /** Pages in use by kind. */
  readonly byKind: Map<number, number[]>;
  /** Column family of each page of a family's tree. */
  readonly families: Map<number, string>;
}

export function inspectDataFile(directory: string): DataFile {
  const path = join(directory, DATA_FILE_NAME);
  const vfs = createRealVfs();
  const checkpoint = loadCheckpoint(vfs, directory);
  const { meta, freeMap } = checkpoint;
  const file = vfs.open(path, 'read');
  const byKind = new Map<number, number[]>();
  const families = new Map<number, string>();
  try {
    const page = new Uint8Array(meta.pageBytes);
    for (const number of freeMap.inUse.toArray()) {
      file.read(page, number * meta.pageBytes);
      const kind = page[PAGE_HEADER_KIND]!;
      byKind.set(kind, [...(byKind.get(kind) ?? []), number]);
    }
    const source = new PageSource(file, path, meta);
    const options = { entriesMax: Infinity, poll: () => {} };
    const catalog = rootClaim(meta.catalogPage, meta.catalogBirth, meta.catalogCount);
    checkSubtree(source, catalog, {
      ...options,
      onEntry: (_key, value) => {
        const { name, rootPage, rootBirth, entryCount } = decodeCatalogValue(value, path);
        if (rootPage === 0) return;
        const root = rootClaim(rootPage, rootBirth, entryCount);
        const { pages } = checkSubtree(source, root, options);
        for (const own of [rootPage, ...pages]) families.set(own, name);
      },
    });
  } finally {
    file.close();
  }
  return { path, pageBytes: meta.pageBytes, checkpoint, byKind, families };
}

/** Flips one bit of a file; called twice, it undoes itself. */
export function flipBit(path: string, offset: number): void {
  const descriptor = openSync(path, 'r+');
  const byte = new Uint8Array(1);
  readSync(descriptor, byte, 0, 1, offset);
  byte[0]! ^= 1;
  writeSync(descriptor, byte, 0, 1, offset);
  closeSync(descriptor);
}

/** Changes a page and seals it again, as a bug of ours would. Returns an undo. */
export function forgePage(
  { path, pageBytes }: DataFile,
  page: number,
  change: (bytes: Uint8Array) => void,
): () => void {
  const before = new Uint8Array(pageBytes);
  const write = (bytes: Uint8Array): void => {
    const descriptor = openSync(path, 'r+');
    writeSync(descriptor, bytes, 0, pageBytes, page * pageBytes);
    closeSync(descriptor);
  };
  const descriptor = openSync(path, 'r');
  readSync(descriptor, before, 0, pageBytes, page * pageBytes);
  closeSync(descriptor);
  const after = before.slice();
  change(after);
  sealPage(after, page);
  write(after);
  return () => write(before);
}
