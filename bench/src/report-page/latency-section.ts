/** Latency percentiles: for every row that has them, from the median to the rare slow one. */
import { ROW_HEIGHT, axisRow, chartRow, horizontalLine, verticalLine } from './chart-row.js';
import { conditionText, isOurs, namesOf, sharedConditions } from './describe-row.js';
import { tag, type Markup } from './markup.js';
import { groupBy, numberOf, rowsOf, type Row, type SuiteResult } from './rows.js';
import { logScale, percent, type Scale } from './scale.js';
import { commandFor, type Section } from './section.js';
import { formatUs } from './units.js';

/** Single commits, not batches. */
const SINGLE_COMMITS = new Set(['commits']);
const MIDDLE = ROW_HEIGHT / 2;
const RADIUS = 5;

const PERCENTILES = [
  { field: 'p50Us', name: 'p50' },
  { field: 'p99Us', name: 'p99' },
  { field: 'p999Us', name: 'p99.9' },
] as const;
type PercentileName = (typeof PERCENTILES)[number]['name'];

interface Point {
  readonly name: PercentileName;
  readonly us: number;
}

function pointsOf(row: Row): Point[] {
  return PERCENTILES.flatMap(({ field, name }) => {
    const us = numberOf(row, field);
    return us === undefined || us <= 0 ? [] : [{ name, us }];
  });
}

/** A disc, a diamond, a square: told apart without colour. */
function shape(name: PercentileName, x: number): Markup {
  const common = { class: `dot dot-${name.replace('.', '-')}`, 'data-percentile': name };
  if (name === 'p50') return tag('circle', { ...common, cx: percent(x), cy: MIDDLE, r: RADIUS });
  const side = RADIUS * 1.7;
  const square = { x: -side / 2, y: -side / 2, width: side, height: side };
  const turned = name === 'p99' ? 'rotate(45)' : undefined;
  // A place in percent cannot be part of a transform; that of a nested drawing can.
  return tag(
    'svg',
    { x: percent(x), y: MIDDLE, width: 1, height: 1 },
    tag('rect', { ...common, ...square, transform: turned }),
  );
}

function latencyRow(row: Row, scale: Scale): Markup {
  const points = pointsOf(row);
  const [label = 'all', ...notes] = namesOf(row);
  const places = points.map(({ us }) => scale.at(us));
  const rest = points.slice(1).map(({ name, us }) => `${name} ${formatUs(us)}`);
  const value = `p50 ${formatUs(points[0]!.us)}`;
  return chartRow({
    className: isOurs(row) ? 'ours' : undefined,
    label,
    labelNote: notes.join(', ') || undefined,
    value,
    valueNote: rest.join(', '),
    description: `${[label, ...notes].join(', ')}: ${[value, ...rest].join(', ')}`,
    marks: [
      scale.ticks.map((tick) => verticalLine('grid', scale.at(tick))),
      horizontalLine('span', Math.min(...places), Math.max(...places)),
      points.map(({ name, us }) => shape(name, scale.at(us))),
    ],
  });
}

function rowsMarkup(suite: string, rows: readonly Row[]): Markup {
  const figures = rows.flatMap((row) => pointsOf(row).map(({ us }) => us));
  const scale = logScale(figures);
  const known = sharedConditions(rows);
  const groups = [...groupBy(rows, (row) => conditionText(row, known))];
  return tag(
    'div',
    { class: 'wide' },
    known.length > 0 && tag('p', { class: 'soft' }, `All: ${known.join(', ')}.`),
    axisRow(scale, formatUs),
    groups.map(([condition, alike]) => [
      condition !== '' && tag('h4', { class: 'comparison' }, condition),
      alike.map((row) => latencyRow(row, scale)),
    ]),
    tag('p', { class: 'command soft' }, 'Measured by ', tag('code', {}, commandFor(suite))),
  );
}

/** Single commits are in sight, batches and mixed loads can be unfolded. */
function suiteMarkup(suite: string, rows: readonly Row[]): Markup {
  const name = `Suite ${suite}`;
  const markup = rowsMarkup(suite, rows);
  if (SINGLE_COMMITS.has(suite)) {
    return tag('div', { 'data-latency': suite }, tag('h3', {}, name), markup);
  }
  return tag('details', { 'data-latency': suite }, tag('summary', {}, name), markup);
}

function key(): Markup {
  const drawing = (name: PercentileName) =>
    tag('svg', { height: ROW_HEIGHT, 'aria-hidden': 'true' }, shape(name, 50));
  return tag(
    'div',
    { class: 'key soft ours' },
    PERCENTILES.map(({ name }) => tag('span', {}, drawing(name), name)),
  );
}

/** The ladder's latencies say how long a batch waits in a full pipeline: they stay in its table. */
export function latencySection(results: readonly SuiteResult[]): Section | undefined {
  const groups = results
    .filter(({ suite }) => suite !== 'ladder')
    .map(({ suite, json }) => {
      const rows = rowsOf(json, 'runs').filter((row) => pointsOf(row).length > 1);
      return { suite, rows };
    })
    .filter(({ rows }) => rows.length > 0);
  if (groups.length === 0) return undefined;
  return {
    id: 'latency',
    title: 'Latency',
    body: tag(
      'div',
      {},
      tag(
        'p',
        {},
        'From the call to the acknowledgement. Half of the writes are as fast as the disc or ' +
          'faster, 99 of 100 as the diamond, 999 of 1,000 as the square. Further left is better; ' +
          'the axes are logarithmic.',
      ),
      key(),
      groups.map(({ suite, rows }) => suiteMarkup(suite, rows)),
    ),
  };
}
