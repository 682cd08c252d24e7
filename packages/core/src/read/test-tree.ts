/**
 * A tree in memory and the context to read it, for tests of what stands on them. One thread, no
 * workers; no file, except under a cold copy.
 */
import {
  Diff,
  FIRST_DATA_PAGE,
  ManifoldError,
  MIB,
  Pager,
  TreeRoot,
  TreeWriter,
  assert,
  attachShared,
  createSharedBuffers,
  forEachPage,
  initializePageMemory,
  sealPage,
  type VfsFile,
} from '@manifold-db/storage';
import { encodeKey, encodeValue } from '../encoding/index.js';
import { ReadMemory, type FamilyCodec, type ReadContext } from './context.js';
import { FamilyView } from './view.js';

/** A data file that only answers reads, asynchronous ones a turn later. */
class PagesFile implements VfsFile {
  reads = 0;
  asyncReads = 0;
  readonly #pages: Map<number, Uint8Array>;

  constructor(pages: Map<number, Uint8Array>) {
    this.#pages = pages;
  }

  /** Behind the last page. */
  get pageCount(): number {
    return Math.max(...this.#pages.keys()) + 1;
  }

  read(target: Uint8Array, offset: number): number {
    this.reads++;
    return this.#copy(target, offset);
  }

  async readAsync(target: Uint8Array, offset: number): Promise<number> {
    this.asyncReads++;
    await new Promise(setImmediate);
    return this.#copy(target, offset);
  }

  #copy(target: Uint8Array, offset: number): number {
    const page = this.#pages.get(offset / target.length);
    if (page === undefined) return 0;
    target.set(page);
    return page.length;
  }

  write(): void {}
  dataSync(): void {}
  sync(): void {}
  truncate(): void {}
  size(): number {
    return Number.MAX_SAFE_INTEGER;
  }
  close(): void {}
}

function createPager(cacheBytes: number, pageBytes: number, file?: PagesFile): Pager {
  const shared = attachShared(
    createSharedBuffers({
      pageBytes,
      cacheBytes,
      walRingBytes: MIB,
      walSegmentBytes: 4 * MIB,
      walBytesMax: 16 * MIB,
      pendingCommitsMax: 64,
      applyWorkers: 1,
      writeBufferBytes: 0,
      writeBufferCount: 0,
    }),
  );
  initializePageMemory(shared, file?.pageCount ?? FIRST_DATA_PAGE, 1);
  const pager = new Pager({ shared, thread: 0, file, path: 'memory', canWriteThrough: false });
  pager.loader.reserveScratch();
  return pager;
}

/** Counts operations and pins, and insists on pairs. */
export class TestTree implements ReadContext {
  readonly pager: Pager;
  readonly memory: ReadMemory;
  readonly file: PagesFile | undefined;
  /** The newest version. */
  readonly root = new TreeRoot();
  private readonly newest = new FamilyView();
  isOpen = false;
  isClosed = false;
  operations = 0;
  pins = 0;
  releases = 0;

  constructor(options: { cacheBytes?: number; pageBytes?: number; file?: PagesFile } = {}) {
    const { cacheBytes = 16 * MIB, pageBytes = 4096, file } = options;
    this.file = file;
    this.pager = createPager(cacheBytes, pageBytes, file);
    this.memory = new ReadMemory(this.pager);
  }

  /** The same tree in a file, with nothing of it in memory. */
  coldCopy(cacheBytes: number): TestTree {
    const { pager, root } = this;
    const pages = new Map<number, Uint8Array>();
    const opened = this.begin();
    forEachPage(pager, root, (page, birth) => {
      const bytes = Uint8Array.from(pager.frameBytes(pager.fetch(page, birth)));
      sealPage(bytes, page);
      pages.set(page, bytes);
    });
    this.end(opened);
    const file = new PagesFile(pages);
    const copy = new TestTree({ cacheBytes, pageBytes: pager.pageBytes, file });
    copy.root.copyFrom(root);
    return copy;
  }

  begin(): boolean {
    if (this.isOpen) return false;
    this.pager.beginOperation();
    this.operations++;
    return (this.isOpen = true);
  }

  end(opened: boolean): void {
    if (!opened) return;
    assert(this.isOpen, 'an operation is open');
    this.isOpen = false;
    this.pager.endOperation();
  }

  assertReadable(): void {
    if (this.isClosed) throw new ManifoldError('ERR_MANIFOLD_CLOSED', 'the database is closed');
  }

  /** The newest version, for a read that follows at once. */
  readonly view = (): FamilyView => {
    this.newest.root.copyFrom(this.root);
    return this.newest;
  };

  /** One commit: the pages of older versions stay as they are. */
  write(build: (writer: TreeWriter) => void): void {
    const diff = new Diff();
    diff.reset(this.pager.newToken());
    const opened = this.begin();
    const writer = new TreeWriter(this.pager, diff, this.root);
    build(writer);
    writer.flush();
    this.root.copyFrom(writer.root);
    this.end(opened);
  }

  putAll<K, V>(codec: FamilyCodec<K, V>, entries: Iterable<readonly [K, V]>): void {
    this.write((writer) => {
      for (const [key, value] of entries) {
        const keyBytes = encodeKey(codec.key, key);
        const valueBytes = encodeValue(codec.value, value);
        writer.put(keyBytes, 0, keyBytes.length, valueBytes, 0, valueBytes.length);
      }
    });
  }

  deleteAll<K, V>(codec: FamilyCodec<K, V>, keys: Iterable<K>): void {
    this.write((writer) => {
      for (const key of keys) {
        const keyBytes = encodeKey(codec.key, key);
        writer.delete(keyBytes, 0, keyBytes.length);
      }
    });
  }

  /** A pin of the newest version, as `createEntries` takes it. */
  readonly open = () => {
    const view = new FamilyView();
    view.root.copyFrom(this.root);
    this.pins++;
    return { view: () => view, release: () => void this.releases++ };
  };
}
