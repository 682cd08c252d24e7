/**
 * What a damaged database may answer, decided from the bytes that are still whole, without the
 * engine's scanner:
 *
 * 1. An answer is the state after some commit of the history, exactly.
 * 2. No commit is missing that anything whole witnesses as synced: the newest checkpoint (even when
 *    its own meta page is what was hit: the other one leads to the same commits, or to an error),
 *    and every block of the log that was not touched. A file of a wrong length shows by its length,
 *    so behind a cut nothing at all may be missing.
 * 3. What no reader needs may not be missed: damage in free pages, behind the last block of the log
 *    or in a block above every witness has to open.
 * 4. Everything else may be refused, with ERR_MANIFOLD_CORRUPT; where a version or feature field
 *    was hit, with ERR_MANIFOLD_FORMAT.
 *
 * This leaves the one exception of DESIGN §12: damage that takes the last group together with its
 * witness looks like a torn tail.
 */
import {
  BLOCK_HEADER_BYTES,
  DATA_FILE_NAME,
  META_PAGE_COUNT,
  PAGE_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  loadCheckpoint,
  type PageBitmap,
} from '@manifold-db/storage';
import { SIMULATED_PATH } from '../simulator.js';
import type { Damage, Touched } from './damages.js';
import { MemoryFiles } from './memory-files.js';
import { blocksOf } from './shrink.js';
import type { SmallDatabase } from './small-databases.js';

export interface Expectation {
  /** No answer may hold fewer commits. */
  readonly floor: number;
  /** It must open. */
  readonly mustAnswer: boolean;
  readonly mayBeOtherFormat: boolean;
}

interface Block {
  readonly file: string;
  readonly from: number;
  readonly end: number;
  readonly firstSequence: number;
  readonly watermark: number;
}

/** Version and features: 8 bytes behind the magic number, which has 8. */
const META_FORMAT_OFFSET = PAGE_HEADER_BYTES + 8;
const SEGMENT_FORMAT_OFFSET = 8;
const FORMAT_BYTES = 8;

export class Expectations {
  readonly #database: SmallDatabase;
  readonly #blocks: Block[] = [];
  /** Where the blocks of a log file end. */
  readonly #logEnds = new Map<string, number>();
  readonly #inUse: PageBitmap;

  constructor(database: SmallDatabase) {
    this.#database = database;
    const { files } = database;
    this.#inUse = loadCheckpoint(
      new MemoryFiles(files, Infinity).vfs,
      SIMULATED_PATH,
    ).freeMap.inUse;
    for (const [file, bytes] of files) {
      if (file === DATA_FILE_NAME) continue;
      let logEnd = SEGMENT_HEADER_BYTES;
      for (const { offset: from, header } of blocksOf(bytes)) {
        const { firstSequence, syncedWatermark: watermark } = header;
        logEnd = from + BLOCK_HEADER_BYTES + header.payloadBytes;
        this.#blocks.push({ file, from, end: logEnd, firstSequence, watermark });
      }
      this.#logEnds.set(file, logEnd);
    }
  }

  /** Of the log: bytes that are blocks, or headers of segments. */
  usedLogBytes(file: string): number {
    return this.#logEnds.get(file)!;
  }

  isPageInUse(page: number): boolean {
    return this.#inUse.has(page);
  }

  of(damage: Damage, touched: readonly Touched[]): Expectation {
    const isTouched = (block: Block) => touched.some((range) => overlaps(range, block));
    const hidesNothing = damage.kind === 'cut' || damage.kind === 'extend';
    let floor = this.#database.meta.sequence;
    let highest = floor;
    for (const block of this.#blocks) {
      highest = Math.max(highest, block.watermark);
      if (hidesNothing || !isTouched(block)) floor = Math.max(floor, block.watermark);
    }
    const hurtBlocks = this.#blocks.filter(isTouched);
    // A block that was moved may be whole where it is now, and witness there.
    const witnessed = damage.kind === 'swap' || damage.kind === 'copy' ? highest : floor;
    const isSpared = touched.every((range) => this.#isSpare(range, hurtBlocks, witnessed));
    return {
      floor,
      mustAnswer: damage.kind !== 'cut' && isSpared,
      mayBeOtherFormat: touched.some((range) => this.#touchesFormat(range)),
    };
  }

  /** Rule 3. */
  #isSpare({ file, from, end }: Touched, hurt: readonly Block[], witnessed: number): boolean {
    if (file === DATA_FILE_NAME) {
      const { pageBytes, pageCount } = this.#database.meta;
      for (let page = Math.floor(from / pageBytes); page * pageBytes < end; page++) {
        if (page < pageCount && this.#inUse.has(page)) return false;
      }
      return true;
    }
    const size = this.#database.files.get(file)!.length;
    if (end > size || from < SEGMENT_HEADER_BYTES) return false;
    return hurt.every(({ firstSequence }) => firstSequence > witnessed);
  }

  #touchesFormat(range: Touched): boolean {
    const { file } = range;
    if (file !== DATA_FILE_NAME) {
      const from = SEGMENT_FORMAT_OFFSET;
      return overlaps(range, { file, from, end: from + FORMAT_BYTES });
    }
    for (let slot = 0; slot < META_PAGE_COUNT; slot++) {
      const from = slot * this.#database.meta.pageBytes + META_FORMAT_OFFSET;
      if (overlaps(range, { file, from, end: from + FORMAT_BYTES })) return true;
    }
    return false;
  }
}

function overlaps(a: Touched, b: Touched): boolean {
  return a.file === b.file && a.from < b.end && b.from < a.end;
}
