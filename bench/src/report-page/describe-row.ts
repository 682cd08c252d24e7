/** Names for rows that any suite printed: who was measured, and under which conditions. */
import { numberOf, textOf, type Row } from './rows.js';
import { formatUs, formatWhole } from './units.js';

const NAMES = ['engine', 'mode', 'kind'];
/** A write and a sync without any engine, measured in the same process as ours. */
const BARE = 'bare';
const CONDITIONS = ['workload', 'phase', 'order', 'durability'];
/** What says nothing: the peers have one mode only. */
const UNSAID = new Set(['default']);

const NUMBERS: Readonly<Record<string, (value: number) => string>> = {
  batchOps: (value) => (value === 1 ? '1 put per commit' : `${formatWhole(value)} puts per commit`),
  depth: (value) => `depth ${formatWhole(value)}`,
  addedSyncLatencyUs: (value) => (value === 0 ? '' : `${formatUs(value)} added`),
};

function texts(row: Row, names: readonly string[]): string[] {
  return names.map((name) => textOf(row, name) ?? '').filter((text) => isSaid(text));
}

function isSaid(text: string): boolean {
  return text !== '' && !UNSAID.has(text);
}

export function isOurs(row: Row): boolean {
  return (textOf(row, 'engine') ?? 'manifold') === 'manifold' && textOf(row, 'kind') !== BARE;
}

/** Engine, and mode and method where it has several. */
export function namesOf(row: Row): string[] {
  return textOf(row, 'kind') === BARE ? ['no engine: write, fdatasync'] : texts(row, NAMES);
}

/** Rows of the same conditions can be compared. */
export function conditionsOf(row: Row): string[] {
  const numbers = Object.entries(NUMBERS).map(([name, format]) => {
    const value = numberOf(row, name);
    return value === undefined ? '' : format(value);
  });
  return [...texts(row, CONDITIONS), ...numbers.filter(isSaid)];
}

/** Traits that all rows share say nothing about one of them. */
export function sharedConditions(rows: readonly Row[]): string[] {
  const [first, ...others] = rows.map(conditionsOf);
  if (first === undefined || others.length === 0) return [];
  return first.filter((condition) => others.every((all) => all.includes(condition)));
}

/** The conditions as a heading, without those in `known`. */
export function conditionText(row: Row, known: readonly string[] = []): string {
  return conditionsOf(row)
    .filter((condition) => !known.includes(condition))
    .join(', ');
}
