/**
 * Figures for people.
 */

/** A whole number with groups of three digits. */
export function group(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function seconds(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
