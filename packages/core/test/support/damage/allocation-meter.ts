/**
 * Counts the bytes of every buffer that is asked for: `new Uint8Array(length)` and the other typed
 * arrays, `ArrayBuffer`, `SharedArrayBuffer` and what `Buffer` allocates. Exact and the same in
 * every run, unlike a look at the memory of the process: a length out of a damaged file that is
 * believed shows here, whether or not the memory is ever touched. One at a time.
 */

type BufferMaker = (...values: unknown[]) => unknown;

const TYPED_ARRAYS = [
  'Uint8Array',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
] as const;
const RAW_BUFFERS = ['ArrayBuffer', 'SharedArrayBuffer'] as const;
const BUFFER_MAKERS = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;

export class AllocationMeter {
  /** Asked for since the meter was made. */
  bytes = 0;
  readonly #undo: (() => void)[] = [];

  constructor() {
    for (const name of TYPED_ARRAYS) {
      const original = globalThis[name];
      this.#replace(globalThis, name, this.#counting(original, original.BYTES_PER_ELEMENT));
    }
    for (const name of RAW_BUFFERS) {
      this.#replace(globalThis, name, this.#counting(globalThis[name], 1));
    }
    for (const name of BUFFER_MAKERS) {
      const original = Buffer[name] as BufferMaker;
      this.#replace(Buffer, name, (...values: unknown[]) => {
        if (typeof values[0] === 'number') this.bytes += values[0];
        return original.apply(Buffer, values);
      });
    }
  }

  /** Everything is as it was before. */
  stop(): void {
    for (const restore of this.#undo) restore();
  }

  #replace(holder: object, name: string, value: unknown): void {
    const before = Reflect.getOwnPropertyDescriptor(holder, name)!;
    Reflect.defineProperty(holder, name, { ...before, value });
    this.#undo.push(() => Reflect.defineProperty(holder, name, before));
  }

  #counting<C extends object>(original: C, bytesEach: number): C {
    return new Proxy(original, {
      construct: (target, values: unknown[], newTarget) => {
        const [length] = values;
        if (typeof length === 'number') this.bytes += length * bytesEach;
        return Reflect.construct(target as never, values, newTarget) as object;
      },
    });
  }
}

export interface Metered<T> {
  readonly value: T;
  readonly bytes: number;
}

export async function withAllocationMeter<T>(body: () => Promise<T>): Promise<Metered<T>> {
  const meter = new AllocationMeter();
  try {
    return { value: await body(), bytes: meter.bytes };
  } finally {
    meter.stop();
  }
}
