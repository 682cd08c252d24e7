/**
 * What opening damaged files comes to, found out by the engine's own readers in a tenth of the time
 * that a whole open takes (most of which goes into memory that has nothing to do with the files):
 *
 * - Log hit: the engine's scan. What recovery makes of the log depends on nothing but the data
 *   file, which is whole, and on the transactions that the scan delivers. Those must be, byte for
 *   byte, the ones that the whole log delivers, up to some sequence.
 * - Data file hit: metas, free map, catalog, and every tree and every value read through a pager
 *   whose frames are empty. All of it must be what the whole file holds; then recovery and readers,
 *   who see these pages and no others, come to the same answer as well.
 *
 * `full-check.ts` opens a share of them with the whole engine, and each outcome once at least.
 */
import {
  FIRST_DATA_PAGE,
  FRAMES_COUNT,
  MIB,
  ManifoldError,
  Pager,
  TreeCursor,
  TreeRoot,
  attachShared,
  checksum,
  createSharedBuffers,
  initializePageMemory,
  loadCatalog,
  loadCheckpoint,
  readOverflow,
  requireReadable,
  scanLog,
  type FreeMap,
  type Meta,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';
import { DATA_PATH } from '../files.js';
import { SIMULATED_PATH } from '../simulator.js';
import { MemoryFiles, type Files } from './memory-files.js';
import { withoutNewestMeta, type SmallDatabase } from './small-databases.js';

/** Refused with a typed error, or an answer: the state after the commit of that sequence. */
export type Verdict =
  | { readonly code: string; readonly message: string; readonly generation: number }
  | { readonly sequence: number; readonly generation: number };

/** Bytes that are not those of the undamaged database passed as right. */
export class WrongAnswer extends Error {}

/** No small file needs more; the whole ones take a few dozen. */
const READS_MAX = 20_000;
const KEY_ROOM_BYTES = 2048;

interface Delivered {
  readonly operations: number;
  readonly payload: Buffer;
}

/** What one of the two metas leads to while nothing is damaged. */
interface Base {
  readonly meta: Meta;
  readonly lastSequence: number;
  readonly log: Map<number, Delivered>;
  readonly pages: string;
  readonly trees: string;
}

export class QuickCheck {
  readonly #database: SmallDatabase;
  /** By generation; an error where that meta leads to one. */
  readonly #bases = new Map<number, Base | ManifoldError>();
  readonly #pager: Pager;
  #file: VfsFile | undefined;

  constructor(database: SmallDatabase) {
    this.#database = database;
    const { files, meta } = database;
    this.#pager = this.#makePager();
    const newest = this.#base(files);
    this.#bases.set(newest.meta.metaGeneration, newest);
    this.#bases.set(meta.metaGeneration - 1, this.#olderBase());
  }

  /** `files` differ in log files only. */
  log(files: Files): Verdict {
    const generation = this.#database.meta.metaGeneration;
    const base = this.#baseOf(generation);
    return verdict(
      () => generation,
      () => this.#scan(vfsOf(files), base),
    );
  }

  /** `files` differ in the data file only. */
  data(files: Files): Verdict {
    const vfs = vfsOf(files);
    let generation = 0;
    const look = (): number => {
      const { meta, freeMap } = loadCheckpoint(vfs, SIMULATED_PATH);
      generation = meta.metaGeneration;
      const base = this.#baseOf(generation);
      if (!isSameMeta(base.meta, meta)) throw new WrongAnswer('a meta page that never was');
      if (base.pages !== pagesText(freeMap)) throw new WrongAnswer('another free map');
      if (base.trees !== this.#readTrees(vfs, meta)) throw new WrongAnswer('other entries');
      // The log is whole: where it leads to from here is known.
      return base.lastSequence;
    };
    return verdict(() => generation, look);
  }

  #baseOf(generation: number): Base {
    const base = this.#bases.get(generation);
    if (base === undefined) throw new WrongAnswer(`a meta page of generation ${generation}`);
    if (base instanceof ManifoldError) throw base;
    return base;
  }

  #base(files: Files): Base {
    const vfs = vfsOf(files);
    const { meta, freeMap } = loadCheckpoint(vfs, SIMULATED_PATH);
    const log = new Map<number, Delivered>();
    const { lastSequence } = scanLog(vfs, SIMULATED_PATH, scanOptions(meta), {
      transaction: (sequence, operations, payload) => {
        log.set(sequence, { operations, payload: Buffer.from(payload) });
      },
    });
    const trees = this.#readTrees(vfs, meta);
    return { meta, lastSequence, log, pages: pagesText(freeMap), trees };
  }

  #olderBase(): Base | ManifoldError {
    try {
      return this.#base(withoutNewestMeta(this.#database));
    } catch (error) {
      if (error instanceof ManifoldError) return error;
      throw error;
    }
  }

  #scan(vfs: Vfs, { meta, log }: Base): number {
    const { lastSequence } = scanLog(vfs, SIMULATED_PATH, scanOptions(meta), {
      transaction: (sequence, operations, payload) => {
        const whole = log.get(sequence);
        if (whole?.operations !== operations || Buffer.compare(whole.payload, payload) !== 0) {
          throw new WrongAnswer(`commit ${sequence} of the log has another content`);
        }
      },
    });
    return lastSequence;
  }

  #makePager(): Pager {
    const { meta } = this.#database;
    const shared = attachShared(
      createSharedBuffers({
        pageBytes: meta.pageBytes,
        cacheBytes: MIB,
        walRingBytes: MIB,
        walSegmentBytes: 4 * MIB,
        walBytesMax: 16 * MIB,
        pendingCommitsMax: 64,
        applyWorkers: 1,
        writeBufferBytes: 0,
        writeBufferCount: 0,
      }),
    );
    initializePageMemory(shared, Math.max(meta.pageCount, FIRST_DATA_PAGE), meta.birthCounter);
    const file: VfsFile = {
      read: (target, offset) => this.#file!.read(target, offset),
      size: () => this.#file!.size(),
      write: unused,
      truncate: unused,
      dataSync: unused,
      sync: unused,
      close: unused,
    };
    const pager = new Pager({ shared, thread: 0, file, path: DATA_PATH, canWriteThrough: false });
    pager.loader.reserveScratch();
    return pager;
  }

  /** A checksum of everything that the checkpoint holds. */
  #readTrees(vfs: Vfs, meta: Meta): string {
    const pager = this.#pager;
    const frames = pager.shared.pagesControl[FRAMES_COUNT]!;
    // Whatever an earlier reading left in the frames goes.
    pager.makeRoom(frames);
    this.#file = vfs.open(DATA_PATH, 'read');
    const parts: string[] = [];
    for (const { name, page, birth, count } of loadCatalog(pager, meta)) {
      const root = Object.assign(new TreeRoot(), { page, birth, count });
      pager.beginOperation();
      try {
        parts.push(`${name} ${count} ${treeDigest(pager, root)}`);
      } finally {
        pager.endOperation();
      }
    }
    return parts.join();
  }
}

const keyRoom = new Uint8Array(KEY_ROOM_BYTES);

function treeDigest(pager: Pager, root: TreeRoot): string {
  let digest = 0;
  let entries = 0;
  const cursor = new TreeCursor(pager);
  for (let found = cursor.seekFirst(root); found; found = cursor.next()) {
    const keyBytes = cursor.copyKey(keyRoom, 0);
    const { hit } = cursor;
    digest = checksum(keyRoom.subarray(0, keyBytes), digest);
    if (hit.overflowPage === 0) {
      const { u8, valueOffset, valueBytes } = hit;
      digest = checksum(u8.subarray(valueOffset, valueOffset + valueBytes), digest);
    } else {
      requireReadable(pager, hit);
      const value = new Uint8Array(hit.valueBytes);
      readOverflow(pager, hit, value);
      digest = checksum(value, digest);
    }
    entries++;
  }
  return `${entries} ${digest}`;
}

function vfsOf(files: Files): Vfs {
  return new MemoryFiles(files, READS_MAX).vfs;
}

function scanOptions({ databaseId, sequence, walSegmentNumber }: Meta) {
  return { databaseId, fromSequence: sequence, oldestSegment: walSegmentNumber };
}

function pagesText({ inUse, chunks, directories }: FreeMap): string {
  return `${inUse.words.join()} ${JSON.stringify([chunks, directories])}`;
}

function isSameMeta(a: Meta, b: Meta): boolean {
  const names = Object.keys(a) as (keyof Meta)[];
  return names.every((name) => String(a[name]) === String(b[name]));
}

function verdict(generation: () => number, look: () => number): Verdict {
  try {
    const sequence = look();
    return { sequence, generation: generation() };
  } catch (error) {
    if (!(error instanceof ManifoldError)) throw error;
    return { code: error.code, message: error.message, generation: generation() };
  }
}

function unused(): never {
  throw new Error('the data file is read only');
}
