/**
 * Writes the changed chunks of the free map to new pages. The map describes itself: a page that it
 * takes or lets go changes a chunk, which then has to move as well, until nothing changes any more.
 * Threads: apply worker 0.
 *
 * Invariant: the pages are in frames, like those of trees, and are written with them; the frames of
 * the map are never read again, eviction takes them.
 */
import {
  NO_PAGE,
  PAGE_HEADER_NUMBER,
  PageKind,
  encodeFreeMapDirectory,
  encodeFreeMapPage,
  freeMapChunkPages,
  freeMapDirectoryEntries,
  writeU32,
  type Diff,
  type PageBitmap,
  type PageReference,
  type Pager,
} from '@manifold-db/storage';

export interface FreeMapPlace {
  /** By chunk; page 0 stands for a chunk of zero bits. */
  readonly chunks: readonly PageReference[];
  readonly directories: readonly PageReference[];
}

interface NewPage extends PageReference {
  frame: number;
}

/**
 * `inUse` describes the version without the old map's changes; afterwards it also has the new pages
 * and lacks the replaced ones, which are appended to `freed`. `changed`: chunks to be written.
 */
export class FreeMapUpdate {
  readonly freed: number[] = [];
  readonly #pager: Pager;
  readonly #diff: Diff;
  readonly #inUse: PageBitmap;
  readonly #changed: PageBitmap;
  readonly #chunkPages: number;
  readonly #moved = new Map<number, NewPage>();
  readonly #directories: NewPage[] = [];

  constructor(pager: Pager, diff: Diff, inUse: PageBitmap, changed: PageBitmap) {
    this.#pager = pager;
    this.#diff = diff;
    this.#inUse = inUse;
    this.#changed = changed;
    this.#chunkPages = freeMapChunkPages(pager.pageBytes);
  }

  /** Inside an operation of the pager. Returns where the map stands now. */
  run(old: FreeMapPlace): FreeMapPlace {
    for (const directory of old.directories) this.#free(directory.page);
    const perDirectory = freeMapDirectoryEntries(this.#pager.pageBytes);
    let chunkCount = 0;
    let isStable = false;
    while (!isStable) {
      isStable = true;
      const wanted = Math.floor(this.#inUse.highest() / this.#chunkPages) + 1;
      chunkCount = Math.max(wanted, old.chunks.length);
      for (const chunk of this.#changed.toArray()) {
        if (this.#moved.has(chunk)) continue;
        isStable = false;
        const before = old.chunks[chunk]?.page ?? NO_PAGE;
        if (before !== NO_PAGE) this.#free(before);
        this.#moved.set(chunk, this.#allocate(PageKind.FREE_MAP));
      }
      while (this.#directories.length * perDirectory < chunkCount) {
        isStable = false;
        this.#directories.push(this.#allocate(PageKind.FREE_MAP_DIRECTORY));
      }
    }
    const chunks: PageReference[] = [];
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const page = this.#moved.get(chunk) ?? old.chunks[chunk] ?? { page: NO_PAGE, birth: 0 };
      chunks.push({ page: page.page, birth: page.birth });
    }
    this.#fillChunks();
    this.#fillDirectories(chunks, perDirectory);
    return { chunks, directories: this.#directories.map(({ page, birth }) => ({ page, birth })) };
  }

  /** After an error: `inUse` is as it was. The pages themselves go with the diff. */
  undo(): void {
    for (const { page } of [...this.#moved.values(), ...this.#directories]) {
      this.#inUse.delete(page);
    }
    for (const page of this.freed) this.#inUse.add(page);
  }

  #allocate(kind: PageKind): NewPage {
    const frame = this.#pager.allocate(this.#diff, kind, 0);
    const page = this.#pager.pageOf(frame);
    this.#inUse.add(page);
    this.#changed.add(Math.floor(page / this.#chunkPages));
    return { page, birth: this.#pager.birthOf(frame), frame };
  }

  #free(page: number): void {
    this.#inUse.delete(page);
    this.#changed.add(Math.floor(page / this.#chunkPages));
    this.freed.push(page);
  }

  #fillChunks(): void {
    for (const [chunk, { page, birth, frame }] of this.#moved) {
      const bytes = this.#pager.frameBytes(frame);
      const bits = this.#inUse.bytes(chunk * this.#chunkPages, this.#chunkPages);
      encodeFreeMapPage(bytes, birth, chunk, bits);
      writeU32(bytes, PAGE_HEADER_NUMBER, page);
    }
  }

  #fillDirectories(chunks: readonly PageReference[], perDirectory: number): void {
    this.#directories.forEach(({ page, birth, frame }, index) => {
      const next = this.#directories[index + 1];
      const bytes = this.#pager.frameBytes(frame);
      encodeFreeMapDirectory(bytes, birth, {
        next: { page: next?.page ?? NO_PAGE, birth: next?.birth ?? 0 },
        chunks: chunks.slice(index * perDirectory, (index + 1) * perDirectory),
      });
      writeU32(bytes, PAGE_HEADER_NUMBER, page);
    });
  }
}
