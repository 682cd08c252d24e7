/**
 * Task: reads what a checkpoint says of itself: its free map and its catalog. Their pages are not
 * held by a pin (`held-checkpoint.ts`), so everything about them is read here, at once.
 */
import {
  ManifoldError,
  NO_PAGE,
  PageSource,
  checkSubtree,
  corrupt,
  decodeCatalogKey,
  decodeCatalogValue,
  errnoOf,
  readFreeMap,
  rootClaim,
  type Meta,
  type PageBitmap,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';

export interface LoadInput {
  readonly dataPath: string;
  readonly meta: Meta;
  /** What the disk cannot read is damage; else it is thrown. */
  readonly reportsUnreadable: boolean;
}

/** A column family of the checkpoint. */
export interface FamilyRoot {
  readonly name: string;
  readonly page: number;
  readonly birth: number;
  readonly entries: number;
}

/** Damage in the data file. */
export interface FoundDamage {
  readonly offset: number;
  readonly message: string;
}

export interface CheckpointContents {
  /** Words of a `PageBitmap`; `undefined` when the free map is damaged. */
  readonly inUse: Int32Array | undefined;
  readonly inUseCount: number;
  readonly families: readonly FamilyRoot[];
  /** Pages of catalog and free map, in this order, and their bytes one after another. */
  readonly pages: Int32Array;
  readonly bytes: Uint8Array;
  readonly problems: readonly FoundDamage[];
  /** False when families may be missing. */
  readonly isComplete: boolean;
}

export function loadContents(
  vfs: Vfs,
  { dataPath, meta, reportsUnreadable }: LoadInput,
  poll: () => void,
): CheckpointContents {
  const file = vfs.open(dataPath, 'read');
  try {
    const loader = new ContentsLoader(file, dataPath, meta, reportsUnreadable);
    loader.readCatalog(poll);
    const inUse = loader.readFreeMap();
    return {
      inUse: inUse?.words,
      inUseCount: inUse?.count ?? 0,
      families: loader.families,
      pages: Int32Array.from(loader.pages),
      bytes: loader.readBytes(poll),
      problems: loader.problems,
      isComplete: loader.isComplete,
    };
  } finally {
    file.close();
  }
}

class ContentsLoader {
  readonly families: FamilyRoot[] = [];
  readonly pages: number[] = [];
  readonly problems: FoundDamage[] = [];
  isComplete = true;
  readonly #file: VfsFile;
  readonly #path: string;
  readonly #meta: Meta;
  readonly #reportsUnreadable: boolean;

  constructor(file: VfsFile, path: string, meta: Meta, reportsUnreadable: boolean) {
    this.#file = file;
    this.#path = path;
    this.#meta = meta;
    this.#reportsUnreadable = reportsUnreadable;
  }

  readCatalog(poll: () => void): void {
    const { catalogPage, catalogBirth, catalogCount, pageBytes } = this.#meta;
    if (catalogPage === NO_PAGE) {
      if (catalogCount > 0) this.#damage(0, `an empty catalog of ${catalogCount} column families`);
      return;
    }
    const source = new PageSource(this.#file, this.#path, this.#meta, this.#reportsUnreadable);
    const report = checkSubtree(source, rootClaim(catalogPage, catalogBirth, catalogCount), {
      entriesMax: Infinity,
      poll,
      onEntry: (key, value) => this.#tryRead(() => this.#addFamily(key, value)),
    });
    this.pages.push(catalogPage, ...report.pages);
    for (const { page, message } of report.problems) {
      this.#damage(page * pageBytes, `catalog: ${message}`);
    }
    this.isComplete &&= report.problems.length === 0;
  }

  #addFamily(key: Uint8Array, value: Uint8Array): void {
    const { nextColumnFamilyId, catalogPage, pageBytes, pageCount } = this.#meta;
    const id = decodeCatalogKey(key, this.#path);
    const { name, rootPage, rootBirth, entryCount } = decodeCatalogValue(value, this.#path);
    if (id >= nextColumnFamilyId || rootPage >= pageCount) {
      const what = `impossible id ${id} or root ${rootPage} of column family ${name}`;
      throw corrupt(this.#path, catalogPage * pageBytes, what);
    }
    this.families.push({ name, page: rootPage, birth: rootBirth, entries: entryCount });
  }

  readFreeMap(): PageBitmap | undefined {
    return this.#tryRead(() => {
      const { inUse, chunks, directories } = readFreeMap(this.#file, this.#path, this.#meta);
      for (const { page } of [...directories, ...chunks]) {
        if (page !== NO_PAGE) this.pages.push(page);
      }
      return inUse;
    });
  }

  /** Damage becomes a problem. */
  #tryRead<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const isDamage = error instanceof ManifoldError && error.code === 'ERR_MANIFOLD_CORRUPT';
      const isUnreadable = this.#reportsUnreadable && errnoOf(error) === 'EIO';
      if (!isDamage && !isUnreadable) throw error;
      this.#damage(isDamage ? (error.offset ?? 0) : 0, (error as Error).message);
      this.isComplete = false;
      return undefined;
    }
  }

  #damage(offset: number, message: string): void {
    const place = `${this.#path}, offset ${offset}: `;
    const isPlaced = message.startsWith(place);
    this.problems.push({ offset, message: isPlaced ? message.slice(place.length) : message });
  }

  /** The pages once more, as they are copied by a backup. */
  readBytes(poll: () => void): Uint8Array {
    const { pageBytes } = this.#meta;
    const bytes = new Uint8Array(this.pages.length * pageBytes);
    if (this.problems.length > 0) return bytes;
    this.pages.forEach((page, index) => {
      poll();
      const at = index * pageBytes;
      this.#file.read(bytes.subarray(at, at + pageBytes), page * pageBytes);
    });
    return bytes;
  }
}
