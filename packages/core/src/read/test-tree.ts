/**
 * A tree in memory and the context to read it, for tests of what stands on them. One thread, no
 * workers, no file.
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
  initializePageMemory,
} from '@manifold-db/storage';
import { encodeKey, encodeValue } from '../encoding/index.js';
import type { FamilyCodec, ReadContext } from './context.js';

function createPager(cacheBytes: number, pageBytes: number): Pager {
  const shared = attachShared(
    createSharedBuffers({
      pageBytes,
      cacheBytes,
      walRingBytes: MIB,
      walSegmentBytes: 4 * MIB,
      walBytesMax: 16 * MIB,
      pendingCommitsMax: 64,
      applyWorkers: 1,
    }),
  );
  initializePageMemory(shared, FIRST_DATA_PAGE, 1);
  const pager = new Pager({ shared, thread: 0, path: 'memory', canWriteThrough: false });
  pager.reserveScratch();
  return pager;
}

/** Counts operations and pins, and insists on pairs. */
export class TestTree implements ReadContext {
  readonly pager: Pager;
  /** The newest version. */
  readonly root = new TreeRoot();
  isOpen = false;
  isClosed = false;
  operations = 0;
  pins = 0;
  releases = 0;

  constructor(options: { cacheBytes?: number; pageBytes?: number } = {}) {
    this.pager = createPager(options.cacheBytes ?? 16 * MIB, options.pageBytes ?? 4096);
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
    const root = new TreeRoot();
    root.copyFrom(this.root);
    this.pins++;
    return { root, release: () => void this.releases++ };
  };
}
