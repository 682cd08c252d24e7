/**
 * Load rate over time: for every row that carries a series of rates. A series is a list of points,
 * each with a moment and a rate, under whatever name the suite gives it.
 */
import { conditionText, isOurs, namesOf, sharedConditions } from './describe-row.js';
import { tag, type Markup } from './markup.js';
import { groupBy, isRow, numberOf, rowsOf, textOf, type Row, type SuiteResult } from './rows.js';
import { linearScale, percent, type Scale } from './scale.js';
import { commandFor, type Section } from './section.js';
import { formatCount, formatUs } from './units.js';

const HEIGHT = 260;
const PLOT_TOP = 18;
const PLOT_HEIGHT = 214;
const DASHES = 4;
const X_TICKS_MAX = 6;
const Y_TICKS_MAX = 5;
const AXIS_END = 95;
const US_PER_MS = 1e3;
const RATE = /PerSecond$/;
const MOMENT_MS = /(^|[a-z])(elapsed|at|time)?Ms$/i;

interface Point {
  readonly atMs: number;
  readonly perSecond: number;
}

interface Series {
  readonly row: Row;
  readonly points: readonly Point[];
}

function pointOf(item: Row): Point[] {
  const names = Object.keys(item);
  const rate = names.find((name) => RATE.test(name));
  const moment = names.find((name) => MOMENT_MS.test(name));
  if (rate === undefined || moment === undefined) return [];
  const [atMs, perSecond] = [numberOf(item, moment), numberOf(item, rate)];
  return atMs === undefined || perSecond === undefined ? [] : [{ atMs, perSecond }];
}

function seriesOf(row: Row): Series[] {
  const lists = Object.values(row).filter((value) => Array.isArray(value));
  const points = lists.map((list) => list.filter(isRow).flatMap(pointOf));
  const longest = points.find((list) => list.length > 1);
  return longest === undefined ? [] : [{ row, points: longest }];
}

function classOf(series: Series, all: readonly Series[]): string {
  const alike = all.filter(({ row }) => isOurs(row) === isOurs(series.row));
  const dash = alike.indexOf(series) % DASHES;
  return `rate-line dash-${dash}${isOurs(series.row) ? ' ours' : ''}`;
}

function line(series: Series, className: string, x: Scale, y: Scale): Markup {
  const points = series.points.map(({ atMs, perSecond }) => {
    return `${x.at(atMs).toFixed(2)},${(100 - y.at(perSecond)).toFixed(2)}`;
  });
  // Percent of the plot as units; the stroke keeps its width however the plot is stretched.
  return tag('polyline', {
    class: className,
    'data-engine': textOf(series.row, 'engine'),
    'vector-effect': 'non-scaling-stroke',
    points: points.join(' '),
  });
}

function placeOf(rate: number, y: Scale): number {
  return PLOT_TOP + PLOT_HEIGHT * (1 - y.at(rate) / 100);
}

function yGrid(y: Scale): Markup[] {
  return y.ticks.map((rate) => {
    const at = placeOf(rate, y);
    return tag('line', { class: 'grid', x1: 0, x2: '100%', y1: at, y2: at });
  });
}

/** Beside the plot, so that no line runs through the numbers. */
function yNumbers(y: Scale): Markup {
  const numbers = y.ticks.map((rate) => {
    const text = rate === 0 ? '0' : `${formatCount(rate)}/s`;
    return tag('text', { x: '88%', y: placeOf(rate, y) + 4 }, text);
  });
  return tag('svg', { class: 'scale', height: HEIGHT, 'aria-hidden': 'true' }, numbers);
}

function xAxis(x: Scale): Markup[] {
  return x.ticks.map((ms) => {
    const at = x.at(ms);
    const anchor = at > AXIS_END ? 'end' : 'middle';
    const place = { class: ms === 0 ? '' : anchor, x: percent(at), y: HEIGHT - 10 };
    return tag('text', place, ms === 0 ? '0' : formatUs(ms * US_PER_MS));
  });
}

function keyItem(series: Series, className: string): Markup {
  const name = namesOf(series.row).join(' ');
  const sample = tag('line', { class: className, x1: 0, x2: '100%', y1: 7, y2: 7 });
  return tag(
    'span',
    {},
    tag('svg', { height: 14, 'aria-hidden': 'true' }, sample),
    name === '' ? 'load' : name,
  );
}

function chart(title: string, all: readonly Series[]): Markup {
  const points = all.flatMap((series) => series.points);
  const x = linearScale(Math.max(...points.map(({ atMs }) => atMs)), X_TICKS_MAX);
  const y = linearScale(Math.max(...points.map(({ perSecond }) => perSecond)), Y_TICKS_MAX);
  const plot = { x: 0, y: PLOT_TOP, width: '100%', height: PLOT_HEIGHT, class: 'plot' };
  const stretched = { viewBox: '0 0 100 100', preserveAspectRatio: 'none' };
  const label = `${title}: load rate over time, ${all.length} lines`;
  return tag(
    'figure',
    {},
    title !== '' && tag('h4', {}, title),
    tag(
      'div',
      { class: 'key' },
      all.map((series) => keyItem(series, classOf(series, all))),
    ),
    tag(
      'div',
      { class: 'rates' },
      yNumbers(y),
      tag(
        'svg',
        { height: HEIGHT, role: 'img', 'aria-label': label },
        yGrid(y),
        tag(
          'svg',
          { ...plot, ...stretched },
          all.map((series) => line(series, classOf(series, all), x, y)),
        ),
        xAxis(x),
      ),
    ),
  );
}

/** Lines of the same conditions share a chart. */
function suiteMarkup(suite: string, all: readonly Series[]): Markup {
  const known = sharedConditions(all.map(({ row }) => row));
  const shared = known.length === 0 ? '' : `: ${known.join(', ')}`;
  const charts = [...groupBy(all, ({ row }) => conditionText(row, known))];
  return tag(
    'div',
    { 'data-rates': suite },
    tag('h3', {}, `Suite ${suite}${shared}`),
    charts.map(([title, alike]) => chart(title, alike)),
    tag('p', { class: 'command soft' }, 'Measured by ', tag('code', {}, commandFor(suite))),
  );
}

export function rateSection(results: readonly SuiteResult[]): Section | undefined {
  const groups = results
    .map(({ suite, json }) => ({ suite, all: rowsOf(json, 'runs').flatMap(seriesOf) }))
    .filter(({ all }) => all.length > 0);
  if (groups.length === 0) return undefined;
  return {
    id: 'rates',
    title: 'Load rate over time',
    body: tag(
      'div',
      {},
      tag(
        'p',
        {},
        'Entries loaded per second, interval by interval. A line that stays level keeps its pace ' +
          'as the database grows; where it ends, everything was loaded.',
      ),
      groups.map(({ suite, all }) => suiteMarkup(suite, all)),
    ),
  };
}
