/**
 * What suites printed, as the page reads it. Files may come from other versions of the benchmark:
 * a figure that is not there leaves its mark out, it does not break the page.
 */

export type Row = Readonly<Record<string, unknown>>;

export interface SuiteResult {
  readonly suite: string;
  readonly json: Row;
}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function numberOf(row: Row, name: string): number | undefined {
  const value = row[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function textOf(row: Row, name: string): string | undefined {
  const value = row[name];
  return typeof value === 'string' ? value : undefined;
}

export function rowOf(row: Row, name: string): Row | undefined {
  const value = row[name];
  return isRow(value) ? value : undefined;
}

export function rowsOf(row: Row, name: string): Row[] {
  const value = row[name];
  return Array.isArray(value) ? value.filter(isRow) : [];
}

/** In the order in which they first appear. */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
