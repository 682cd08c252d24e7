/**
 * Counts the bytes of every buffer that is asked for while `body` runs: `new Uint8Array(length)`
 * and the other typed arrays, `ArrayBuffer`, `SharedArrayBuffer` and what `Buffer` allocates. Exact
 * and the same in every run, unlike a look at the memory of the process: a length out of a damaged
 * file that is believed shows here, whether or not the memory is ever touched.
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

export interface Metered<T> {
  readonly value: T;
  readonly bytes: number;
}

export async function withAllocationMeter<T>(body: () => Promise<T>): Promise<Metered<T>> {
  let bytes = 0;
  const undo: (() => void)[] = [];
  const replace = (holder: object, name: string, value: unknown): void => {
    const before = Reflect.getOwnPropertyDescriptor(holder, name)!;
    Reflect.defineProperty(holder, name, { ...before, value });
    undo.push(() => Reflect.defineProperty(holder, name, before));
  };
  const counting = <C extends object>(made: C, bytesEach: number): C =>
    new Proxy(made, {
      construct(target, values: unknown[], newTarget) {
        const [length] = values;
        if (typeof length === 'number') bytes += length * bytesEach;
        const original = newTarget === undefined ? target : newTarget;
        return Reflect.construct(target as never, values, original as never) as object;
      },
    });
  for (const name of TYPED_ARRAYS) {
    const original = globalThis[name];
    replace(globalThis, name, counting(original, original.BYTES_PER_ELEMENT));
  }
  for (const name of RAW_BUFFERS) replace(globalThis, name, counting(globalThis[name], 1));
  for (const name of BUFFER_MAKERS) {
    const original = Buffer[name] as BufferMaker;
    replace(Buffer, name, (...values: unknown[]) => {
      if (typeof values[0] === 'number') bytes += values[0];
      return original.apply(Buffer, values);
    });
  }
  try {
    return { value: await body(), bytes };
  } finally {
    for (const restore of undo) restore();
  }
}
