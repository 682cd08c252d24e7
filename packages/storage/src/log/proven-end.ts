/**
 * How far the log is known to have been synced. What was read behind that may stand in the memory
 * of the operating system only, and a later sync does not have to put it on the disk: when a sync
 * fails, Linux keeps the pages for reading and counts them as written ("fsyncgate", 2018).
 *
 * Proof is what a later block, or the checkpoint, calls synced: the process that said so had seen
 * the sync succeed.
 */
import { BlockKind, type BlockHeader } from '../format/block.js';
import { SEGMENT_DATA_OFFSET } from '../format/segment.js';

/** Bytes of a segment file. */
export interface LogRange {
  readonly fileName: string;
  readonly from: number;
  readonly to: number;
}

interface DataBlock {
  readonly lastSequence: number;
  readonly segment: number;
  readonly end: number;
}

export class ProvenEnd {
  /** Segments with blocks, in order, and where the last block of each ends. */
  readonly #segments: { readonly fileName: string; end: number }[] = [];
  /** Blocks with records that nothing read so far calls synced, in order. */
  readonly #open: DataBlock[] = [];
  #proven: DataBlock | undefined;

  /** The next block of the log, which ends at `end`. */
  block(fileName: string, header: BlockHeader, end: number): void {
    this.#prove(header.syncedWatermark);
    const last = this.#segments.at(-1);
    if (last?.fileName === fileName) last.end = end;
    else this.#segments.push({ fileName, end });
    if (header.kind !== BlockKind.DATA) return;
    const segment = this.#segments.length - 1;
    this.#open.push({ lastSequence: header.lastSequence, segment, end });
  }

  #prove(syncedSequence: number): void {
    const count = this.#open.findIndex((block) => block.lastSequence > syncedSequence);
    const proven = this.#open.splice(0, count < 0 ? this.#open.length : count);
    this.#proven = proven.at(-1) ?? this.#proven;
  }

  /** Behind the last block whose commits are synced, as `syncedSequence` has it at the end. */
  rangesBehind(syncedSequence: number): LogRange[] {
    this.#prove(syncedSequence);
    const { segment: first, end } = this.#proven ?? { segment: 0, end: SEGMENT_DATA_OFFSET };
    return this.#segments
      .slice(first)
      .map(({ fileName, end: to }, i) => ({
        fileName,
        from: i === 0 ? end : SEGMENT_DATA_OFFSET,
        to,
      }))
      .filter(({ from, to }) => from < to);
  }
}
