/** Families for engines that have one ordered set of keys only: a byte in front of each key. */

/** The key as it is when there is one family; else a Buffer that the next call changes. */
export type PrefixedKey = (family: number, key: Buffer) => Buffer;

export function prefixedKeys(families: number): PrefixedKey {
  if (families === 1) return (_, key) => key;
  const buffers = new Map<number, Buffer>();
  return (family, key) => {
    let target = buffers.get(key.length);
    if (target === undefined) {
      target = Buffer.alloc(key.length + 1);
      buffers.set(key.length, target);
    }
    target[0] = family;
    key.copy(target, 1);
    return target;
  };
}
