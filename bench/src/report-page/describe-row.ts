/** A name for a row that any suite printed: what tells it from the others. */
import { numberOf, textOf, type Row } from './rows.js';
import { formatUs, formatWhole } from './units.js';

const TEXTS = ['engine', 'kind', 'mode', 'workload', 'phase', 'order', 'durability'];

const NUMBERS: Readonly<Record<string, (value: number) => string>> = {
  batchOps: (value) => (value === 1 ? '1 put per commit' : `${formatWhole(value)} puts per commit`),
  depth: (value) => `depth ${formatWhole(value)}`,
  addedSyncLatencyUs: (value) => (value === 0 ? '' : `${formatUs(value)} added`),
};

/** The conditions that are numbers: others of the same name were measured under other ones. */
export function conditionsOf(row: Row): string[] {
  return Object.entries(NUMBERS)
    .map(([name, format]) => {
      const value = numberOf(row, name);
      return value === undefined ? '' : format(value);
    })
    .filter((condition) => condition !== '');
}

/** What a row says of itself, in a fixed order, without what is in `known` already. */
export function traitsOf(row: Row, known: readonly string[] = []): string[] {
  const texts = TEXTS.map((name) => textOf(row, name) ?? '').filter((text) => text !== '');
  return [...texts, ...conditionsOf(row)].filter((trait) => !known.includes(trait));
}

/** Traits that all rows share say nothing about one of them. */
export function sharedTraits(rows: readonly Row[]): string[] {
  const [first, ...others] = rows.map((row) => traitsOf(row));
  if (first === undefined || others.length === 0) return [];
  return first.filter((trait) => others.every((traits) => traits.includes(trait)));
}
