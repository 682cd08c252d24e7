/**
 * Shared memory that is used again by the next opening. A test that opens thousands of databases
 * spends most of an opening on new memory otherwise, and V8, which does not count it as its heap,
 * collects it so seldom that it fills the machine.
 *
 * Invariant: what is handed out is zeroed. It may be given back once nobody refers to the database
 * any more that could still write to it: its snapshots and iterators are closed, too (the garbage
 * collector would release them later).
 */
const ZEROS = new Uint8Array(256 * 1024);

/** `fill` stores byte by byte when memory is shared, and takes eight times as long. */
function zero(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    bytes.set(ZEROS.subarray(0, bytes.length - at), at);
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
      const { byteLength } = memory;
      zero(new Uint8Array(memory));
      const alike = this.#free.get(byteLength);
      if (alike === undefined) this.#free.set(byteLength, [memory]);
      else alike.push(memory);
    }
    this.#used.length = 0;
  }
}
