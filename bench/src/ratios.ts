/** Comparisons of rows that were measured under equal conditions in one run. */
import { median, rounded, spreadOf } from './figures.js';
import type { Ratio } from './report.js';
import type { Conditions, Measured } from './rounds.js';
import { nameOf, type Subject } from './subject.js';
import { cellOf, formatTable, type Column } from './table.js';

export interface Comparison {
  /** Name of the row whose lead is asked for, as `nameOf` gives it, with its kind behind. */
  readonly above: string;
  readonly below: string;
  readonly figure: string;
  /** Less is better: the quotient is turned round, so that more than 1 is always a lead. */
  readonly isTime?: boolean;
  /** Only rows under these conditions. */
  readonly when?: Conditions;
}

export type RatioRow = Ratio & Readonly<Record<string, unknown>>;

export function fullName({ subject, kind }: Pick<Measured, 'subject' | 'kind'>): string {
  return kind === undefined ? nameOf(subject) : `${nameOf(subject)} ${kind}`;
}

function agrees(conditions: Conditions, wanted: Conditions): boolean {
  return Object.entries(wanted).every(([name, value]) => conditions[name] === value);
}

function isSame(one: Conditions, other: Conditions): boolean {
  return agrees(one, other) && agrees(other, one);
}

/** Durability is compared with its equal only, so it stands among the conditions. */
function conditionsOf({ subject, conditions }: Measured): Conditions {
  return { ...conditions, durability: subject.durability };
}

function ratioOf(above: Measured, below: Measured, comparison: Comparison): RatioRow | undefined {
  const { figure, isTime = false } = comparison;
  const ours = above.rounds.map(({ figures }) => figures[figure]!);
  const theirs = below.rounds.map(({ figures }) => figures[figure]!);
  const lead = (one: number, other: number) => (isTime ? other / one : one / other);
  const perRound = ours.map((value, round) => lead(value, theirs[round]!));
  const ratio = lead(median(ours), median(theirs));
  if (!Number.isFinite(ratio)) return undefined;
  return {
    what: `${comparison.above} / ${comparison.below}`,
    ...conditionsOf(above),
    figure,
    ratio: rounded(ratio),
    rounds: spreadOf(perRound),
  };
}

export function ratiosOf(all: readonly Measured[], comparisons: readonly Comparison[]): RatioRow[] {
  return comparisons.flatMap((comparison) => {
    const { above, below, when = {} } = comparison;
    return all
      .filter((row) => fullName(row) === above && agrees(conditionsOf(row), when))
      .flatMap((numerator) => {
        const conditions = conditionsOf(numerator);
        const denominator = all.find((row) => {
          return fullName(row) === below && isSame(conditionsOf(row), conditions);
        });
        return denominator === undefined ? [] : (ratioOf(numerator, denominator, comparison) ?? []);
      });
  });
}

/** Every mode of ours against every peer. */
export function leadsOverPeers(subjects: readonly Subject[], figure: string): Comparison[] {
  const ours = subjects.filter(({ engine }) => engine === 'manifold');
  const peers = subjects.filter(({ engine }) => engine !== 'manifold');
  return ours.flatMap((our) => {
    return peers.map((peer) => ({ above: nameOf(our), below: nameOf(peer), figure }));
  });
}

const OTHER_COLUMNS = new Set(['what', 'figure', 'ratio', 'rounds']);

export function ratiosText(ratios: readonly RatioRow[]): string {
  if (ratios.length === 0) return '';
  const conditions = [...new Set(ratios.flatMap((ratio) => Object.keys(ratio)))];
  const columns: Column<RatioRow>[] = [
    ['ratio', (ratio) => ratio.what],
    ...conditions
      .filter((name) => !OTHER_COLUMNS.has(name))
      .map((name): Column<RatioRow> => [name, (ratio) => cellOf(ratio[name])]),
    ['figure', (ratio) => ratio.figure],
    ['of medians', (ratio) => ratio.ratio],
    ['min', (ratio) => ratio.rounds.min],
    ['max', (ratio) => ratio.rounds.max],
  ];
  return `\n${formatTable(columns, ratios)}`;
}
