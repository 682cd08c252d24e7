/**
 * Every byte of every value is looked at, so that no engine gains by handing out what is not read.
 */
export function sumBytes(value: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < value.length; i++) sum += value[i]!;
  return sum;
}
