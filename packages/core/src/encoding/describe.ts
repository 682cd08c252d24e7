/** Words for error messages. Any thread. */

/** What a refused argument was, for error messages. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') {
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && name !== '' ? name : 'an object';
  }
  if (typeof value === 'number') return String(value);
  return typeof value;
}
