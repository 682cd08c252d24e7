/** Panels of bars: a rate for every engine and mode, its rounds and, where known, its ideal. */
import { barBetween, chartRow, track, verticalLine, whisker } from './chart-row.js';
import { isOurs, namesOf } from './describe-row.js';
import { tag, type Markup } from './markup.js';
import { numberOf, textOf, type Row } from './rows.js';
import { linearScale, type Scale } from './scale.js';
import { formatCount, formatShare } from './units.js';

/** Names of rates; a row shows the first one it has. */
const RATES = ['opsPerSecond', 'entriesPerSecond', 'commitsPerSecond', 'putsPerSecond'];
/** Shades of the accent, the strongest for the top rung. */
const RUNG_SHADES = 3;

function rateName(row: Row): string | undefined {
  return RATES.find((name) => numberOf(row, name) !== undefined);
}

export function hasRate(row: Row): boolean {
  return rateName(row) !== undefined;
}

function furthest(row: Row): number {
  const name = rateName(row) ?? '';
  const figures = [name, `${name}Max`, 'idealOpsPerSecond'];
  return Math.max(...figures.map((figure) => numberOf(row, figure) ?? 0));
}

function shadeOf(row: Row, rungs: readonly string[]): string {
  if (!isOurs(row)) return 'bar';
  const below = rungs.length - 1 - rungs.indexOf(textOf(row, 'mode') ?? '');
  return `bar rung-${Math.max(0, RUNG_SHADES - 1 - below)}`;
}

/** What the rows of a panel have in common, and need not say. */
interface PanelFacts {
  /** Modes of ours, lowest rung first. */
  readonly rungs: readonly string[];
  readonly scale: Scale;
  readonly hasOneDurability: boolean;
}

/** A mode of ours needs no engine before it; peers may be told apart by what they promise. */
function labelsOf(row: Row, { hasOneDurability }: PanelFacts): string[] {
  const names = namesOf(row);
  if (isOurs(row) && names.length > 1) return names.slice(1);
  const durability = textOf(row, 'durability') ?? '';
  return isOurs(row) || hasOneDurability ? names : [...names, durability];
}

function barRow(row: Row, facts: PanelFacts): Markup[] {
  const { rungs, scale } = facts;
  const figure = rateName(row);
  if (figure === undefined) return [];
  const rate = numberOf(row, figure)!;
  const [low, high] = [numberOf(row, `${figure}Min`), numberOf(row, `${figure}Max`)];
  const ideal = numberOf(row, 'idealOpsPerSecond');
  const efficiency = numberOf(row, 'efficiency');
  const value = `${formatCount(rate)}/s`;
  const share = efficiency === undefined ? undefined : `${formatShare(efficiency)} of ideal`;
  const [label = 'all', ...notes] = labelsOf(row, facts);
  const bar = barBetween(0, scale.at(rate), {
    class: shadeOf(row, rungs),
    'data-engine': textOf(row, 'engine'),
    'data-mode': textOf(row, 'mode'),
    'data-efficiency': efficiency,
  });
  return [
    chartRow({
      label,
      labelNote: notes.join(', ') || undefined,
      value,
      valueNote: share,
      description: `${label}: ${value}${share === undefined ? '' : `, ${share}`}`,
      marks: [
        track(),
        bar,
        low !== undefined &&
          high !== undefined &&
          low < high &&
          whisker(scale.at(low), scale.at(high)),
        ideal !== undefined && verticalLine('ideal', scale.at(ideal)),
      ],
    }),
  ];
}

/** Modes of ours in the order in which they were measured, which is that of the ladder. */
export function rungsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.filter(isOurs).map((row) => textOf(row, 'mode') ?? ''))];
}

/** Rows of the same conditions, on a scale of their own. */
export function barPanel(title: string, rows: readonly Row[], rungs: readonly string[]): Markup {
  const durabilities = new Set(rows.map((row) => textOf(row, 'durability')));
  const facts = {
    rungs,
    scale: linearScale(Math.max(...rows.map(furthest))),
    hasOneDurability: durabilities.size === 1,
  };
  return tag(
    'div',
    { class: 'panel' },
    title !== '' && tag('h4', {}, title),
    rows.map((row) => barRow(row, facts)),
  );
}
