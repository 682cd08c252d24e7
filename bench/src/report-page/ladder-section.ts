/** The ladder: throughput of every mode beside the peers, and how near it comes to its ideal. */
import { barBetween, chartRow, track, verticalLine, whisker } from './chart-row.js';
import { tag, type Markup } from './markup.js';
import { groupBy, numberOf, rowsOf, textOf, type Row, type SuiteResult } from './rows.js';
import { linearScale, type Scale } from './scale.js';
import { commandFor, type Section } from './section.js';
import { formatCount, formatShare, formatUs, formatWhole } from './units.js';

const SUITE = 'ladder';
/** Shades of the accent, the strongest for the top rung. */
const RUNG_SHADES = 3;

function rateOf(row: Row): number | undefined {
  return numberOf(row, 'opsPerSecond');
}

function isOurs(row: Row): boolean {
  return textOf(row, 'engine') === 'manifold';
}

function nameOf(row: Row): string {
  const engine = textOf(row, 'engine') ?? 'unknown';
  return isOurs(row) ? (textOf(row, 'mode') ?? engine) : engine;
}

function furthest(row: Row): number {
  const figures = ['opsPerSecond', 'opsPerSecondMax', 'idealOpsPerSecond'];
  return Math.max(...figures.map((name) => numberOf(row, name) ?? 0));
}

function shadeOf(row: Row, rungs: readonly string[]): string {
  if (!isOurs(row)) return 'bar';
  const below = rungs.length - 1 - rungs.indexOf(textOf(row, 'mode') ?? '');
  return `bar rung-${Math.max(0, RUNG_SHADES - 1 - below)}`;
}

function rung(row: Row, rungs: readonly string[], scale: Scale): Markup[] {
  const rate = rateOf(row);
  if (rate === undefined) return [];
  const ideal = numberOf(row, 'idealOpsPerSecond');
  const efficiency = numberOf(row, 'efficiency');
  const [low, high] = [numberOf(row, 'opsPerSecondMin'), numberOf(row, 'opsPerSecondMax')];
  const value = `${formatCount(rate)}/s`;
  const share = efficiency === undefined ? undefined : `${formatShare(efficiency)} of ideal`;
  const name = nameOf(row);
  const bar = barBetween(0, scale.at(rate), {
    class: shadeOf(row, rungs),
    'data-engine': textOf(row, 'engine'),
    'data-mode': textOf(row, 'mode'),
    'data-efficiency': efficiency,
  });
  return [
    chartRow({
      label: name,
      labelNote: isOurs(row) ? undefined : textOf(row, 'durability'),
      value,
      valueNote: share,
      description: `${name}: ${value}${share === undefined ? '' : `, ${share}`}`,
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

function panel(batchOps: number, rows: readonly Row[], rungs: readonly string[]): Markup {
  const scale = linearScale(Math.max(...rows.map(furthest)));
  const puts = batchOps === 1 ? '1 put' : `${formatWhole(batchOps)} puts`;
  return tag(
    'div',
    { class: 'panel', 'data-batch': batchOps },
    tag('h4', {}, `${puts} per commit`),
    rows.map((row) => rung(row, rungs, scale)),
  );
}

function group(addedUs: number, rows: readonly Row[], rungs: readonly string[]): Markup[] {
  const added = addedUs === 0 ? 'The disk as it is' : `${formatUs(addedUs)} added to every sync`;
  const batches = [...groupBy(rows, (row) => numberOf(row, 'batchOps') ?? 0)];
  return [
    tag('h3', {}, added),
    tag(
      'div',
      { class: 'panels' },
      batches.map(([batchOps, ofBatch]) => panel(batchOps, ofBatch, rungs)),
    ),
  ];
}

function key(): Markup {
  const drawing = (...marks: Markup[]) => tag('svg', { height: 14, 'aria-hidden': 'true' }, marks);
  const line = (name: string, x1: string, x2: string, y1: number, y2: number) =>
    tag('line', { class: name, x1, x2, y1, y2 });
  return tag(
    'div',
    { class: 'key soft' },
    tag('span', {}, drawing(line('ideal', '50%', '50%', 0, 14)), 'ideal of the mode'),
    tag(
      'span',
      {},
      drawing(
        line('whisker', '0%', '100%', 7, 7),
        line('whisker', '0%', '0%', 3, 11),
        line('whisker', '100%', '100%', 3, 11),
      ),
      'slowest to fastest round',
    ),
  );
}

export function ladderSection({ json }: SuiteResult): Section | undefined {
  const rows = rowsOf(json, 'runs').filter((row) => rateOf(row) !== undefined);
  if (rows.length === 0) return undefined;
  const ours = rows.filter(isOurs).map((row) => textOf(row, 'mode') ?? '');
  const groups = [...groupBy(rows, (row) => numberOf(row, 'addedSyncLatencyUs') ?? 0)];
  return {
    id: SUITE,
    title: 'The ladder of modes',
    body: tag(
      'div',
      {},
      tag(
        'p',
        {},
        'Puts per second, every batch acknowledged as the row says, median of the rounds; longer ' +
          'is better. The ideal follows from the measured costs of the four stages: what the ' +
          'mode would reach if they overlapped perfectly. Each panel has a scale of its own.',
      ),
      key(),
      groups.map(([addedUs, ofGroup]) => group(addedUs, ofGroup, [...new Set(ours)])),
      tag('p', { class: 'command soft' }, 'Measured by ', tag('code', {}, commandFor(SUITE))),
    ),
  };
}
