/**
 * Everything that still reads old versions: the durable checkpoint, the running one, and the
 * pinned snapshot rows. Threads: apply worker 0.
 *
 * A pin {sequence, mark} holds a page {birth, supersededAt} when pin.sequence < supersededAt and
 * birth < pin.mark.
 */
import {
  TEST_SWITCH_REUSE_EARLY,
  isTestSwitchOn,
  readPins,
  snapshotsEpoch,
  type Pin,
  type Shared,
} from '@manifold-db/storage';

/** Who holds a page: nobody, one of the checkpoints, or the snapshot row of that number. */
export const HELD_BY_NOBODY = -1;
export const HELD_BY_DURABLE = -2;
export const HELD_BY_RUNNING = -3;

export interface Version {
  readonly sequence: number;
  readonly mark: number;
}

export class PinSet {
  durable: Version;
  running: Version | undefined;
  readonly #shared: Shared;
  #epoch: number;
  /** By sequence. */
  #snapshots: Pin[];
  /**
   * Highest mark among the first i + 1 snapshots; marks grow with sequences, so this is the own.
   */
  #marks: Float64Array;

  constructor(shared: Shared, durable: Version) {
    this.#shared = shared;
    this.durable = durable;
    // The epoch first: a pin made while the rows are read changes it again.
    this.#epoch = snapshotsEpoch(shared);
    this.#snapshots = [];
    this.#marks = new Float64Array(0);
    this.#read();
  }

  /** Looks at the rows again if any changed; returns the rows whose pin is gone. */
  refresh(): number[] {
    const epoch = snapshotsEpoch(this.#shared);
    if (epoch === this.#epoch) return [];
    this.#epoch = epoch;
    const before = this.#snapshots;
    this.#read();
    const now = new Map(this.#snapshots.map((pin) => [pin.row, pin]));
    const gone: number[] = [];
    for (const pin of before) {
      const same = now.get(pin.row);
      if (same?.sequence !== pin.sequence || same.mark !== pin.mark) gone.push(pin.row);
    }
    return gone;
  }

  /** Changes whenever `refresh` found other rows. */
  get epoch(): number {
    return this.#epoch;
  }

  /** B8 re-injected: pages that the durable checkpoint reaches are reused. */
  get isReuseEarly(): boolean {
    return isTestSwitchOn(this.#shared, TEST_SWITCH_REUSE_EARLY);
  }

  holderOf(birth: number, supersededAt: number): number {
    const { durable, running } = this;
    if (durable.sequence < supersededAt && birth < durable.mark && !this.isReuseEarly) {
      return HELD_BY_DURABLE;
    }
    if (running !== undefined && running.sequence < supersededAt && birth < running.mark) {
      return HELD_BY_RUNNING;
    }
    if (this.#snapshots.length === 0) return HELD_BY_NOBODY;
    return this.#snapshotHolder(birth, supersededAt);
  }

  #snapshotHolder(birth: number, supersededAt: number): number {
    // The oldest snapshot made after the page was: if it is not older than the page's end, none is.
    let low = 0;
    let high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#marks[middle]! > birth) high = middle;
      else low = middle + 1;
    }
    const pin = this.#snapshots[low];
    return pin !== undefined && pin.sequence < supersededAt ? pin.row : HELD_BY_NOBODY;
  }

  #read(): void {
    this.#snapshots = readPins(this.#shared).sort((a, b) => a.sequence - b.sequence);
    this.#marks = new Float64Array(this.#snapshots.length);
    let highest = 0;
    this.#snapshots.forEach((pin, index) => {
      highest = Math.max(highest, pin.mark);
      this.#marks[index] = highest;
    });
  }
}
