/**
 * Shared memory that is used again by the next opening. A test that opens thousands of databases
 * spends most of an opening on new memory otherwise, and V8, which does not count it as its heap,
 * collects it so seldom that it fills the machine.
 *
 * Invariant: what is handed out is zeroed. It may be given back once nobody refers to the database
 * any more that could still write to it: its snapshots and iterators are closed, too (the garbage
 * collector would release them later).
 */
const PIECE_BYTES = 16 * 1024;
const ZEROS = Buffer.alloc(PIECE_BYTES);

/**
 * Zeroes what is not zero. Most of the memory was never written to: to look at it costs little, as
 * the system has one page of zeros for all of it. (`fill` stores shared memory byte by byte.)
 */
function zero(memory: SharedArrayBuffer): void {
  const bytes = Buffer.from(memory);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const end = Math.min(at + PIECE_BYTES, bytes.length);
    if (ZEROS.compare(bytes, at, end, 0, end - at) === 0) continue;
    bytes.set(ZEROS.subarray(0, end - at), at);
  }
}

export class SharedPool {
  readonly #free = new Map<number, SharedArrayBuffer[]>();
  readonly #used: SharedArrayBuffer[] = [];

  /** For `OpenEnvironment.allocate`. */
  readonly allocate = (bytes: number): SharedArrayBuffer => {
    const memory = this.#free.get(bytes)?.pop() ?? new SharedArrayBuffer(bytes);
    this.#used.push(memory);
    return memory;
  };

  /** Everything that was handed out. */
  giveBack(): void {
    for (const memory of this.#used) {
      zero(memory);
      const { byteLength } = memory;
      const alike = this.#free.get(byteLength);
      if (alike === undefined) this.#free.set(byteLength, [memory]);
      else alike.push(memory);
    }
    this.#used.length = 0;
  }

  /** For when somebody may still write to it. */
  letGo(): void {
    this.#used.length = 0;
  }
}
