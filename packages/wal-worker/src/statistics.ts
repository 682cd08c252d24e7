/** The fsync worker's rows of the statistics region; this thread is their only writer. */
import {
  BLOCK_HEADER_BYTES,
  STAT_BLOCKS,
  STAT_GROUPS,
  STAT_GROUP_NS,
  STAT_LOG_BYTES,
  STAT_RECORDS,
  STAT_SYNCS,
  STAT_SYNC_NS,
  STAT_WRITE_NS,
} from '@manifold-db/storage';

const NS_PER_MS = 1e6;

export class WalFigures {
  private readonly rows: Float64Array;
  /** Time spent writing since the last sync. */
  private groupWriteNs = 0;

  constructor(rows: Float64Array) {
    this.rows = rows;
  }

  countBlock(records: number, payloadBytes: number): void {
    const { rows } = this;
    rows[STAT_BLOCKS]! += 1;
    rows[STAT_RECORDS]! += records;
    rows[STAT_LOG_BYTES]! += payloadBytes + BLOCK_HEADER_BYTES;
  }

  /** A block without records. */
  countMark(): void {
    this.rows[STAT_BLOCKS]! += 1;
    this.rows[STAT_LOG_BYTES]! += BLOCK_HEADER_BYTES;
  }

  countWrite(elapsedMs: number): void {
    const elapsedNs = Math.round(elapsedMs * NS_PER_MS);
    this.rows[STAT_WRITE_NS]! += elapsedNs;
    this.groupWriteNs += elapsedNs;
  }

  /** `hasRecords`: the sync made a group of commits durable, not just a mark. */
  countSync(elapsedMs: number, hasRecords: boolean): void {
    const { rows } = this;
    const elapsedNs = Math.round(elapsedMs * NS_PER_MS);
    rows[STAT_SYNCS]! += 1;
    rows[STAT_SYNC_NS]! += elapsedNs;
    if (!hasRecords) return;
    rows[STAT_GROUPS]! += 1;
    rows[STAT_GROUP_NS] = this.groupWriteNs + elapsedNs;
    this.groupWriteNs = 0;
  }
}
