/** Every ratio that a suite computed, on one axis: right of the line is ahead of the other. */
import { axisRow, barBetween, chartRow, verticalLine, whisker } from './chart-row.js';
import { conditionText, sharedConditions } from './describe-row.js';
import { tag, type Markup } from './markup.js';
import { groupBy, numberOf, rowOf, rowsOf, textOf, type Row, type SuiteResult } from './rows.js';
import { logScale, type Scale } from './scale.js';
import type { Section } from './section.js';
import { formatRatio } from './units.js';

const EVEN = 1;
const TICKS = [0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 4, 10, 30, 100, 300, 1000];

/** Figures that are not the rate of the suite, in words. */
const FIGURES: Readonly<Record<string, string>> = {
  p50Us: 'p50',
  p99Us: 'p99',
  p999Us: 'p99.9',
  maxUs: 'longest',
  p50AboveBareUs: 'p50 above a bare write and sync',
  openMs: 'time to open',
  firstReadMs: 'time to the first read',
};

interface Ratio {
  readonly what: string;
  /** What tells it from others of the same name. */
  readonly traits: string;
  readonly ratio: number;
  /** Of the rounds, when there were several. */
  readonly spread: { readonly min: number; readonly max: number } | undefined;
}

function spreadOf(row: Row): Ratio['spread'] {
  const rounds = rowOf(row, 'rounds') ?? {};
  const [min, max] = [numberOf(rounds, 'min'), numberOf(rounds, 'max')];
  if (min === undefined || max === undefined || min <= 0 || min === max) return undefined;
  return { min, max };
}

function ratioOf(row: Row, known: readonly string[]): Ratio[] {
  const [what, ratio] = [textOf(row, 'what'), numberOf(row, 'ratio')];
  if (what === undefined || ratio === undefined || ratio <= 0) return [];
  const figure = FIGURES[textOf(row, 'figure') ?? ''] ?? '';
  const traits = [conditionText(row, known), figure].filter((trait) => trait !== '').join(', ');
  return [{ what, traits, ratio, spread: spreadOf(row) }];
}

function ratioRow(label: string, { what, traits, ratio, spread }: Ratio, scale: Scale): Markup {
  const value = formatRatio(ratio);
  const rounds = spread && `${formatRatio(spread.min)} to ${formatRatio(spread.max)}`;
  const name = [what, traits].filter((part) => part !== '').join(', ');
  return chartRow({
    label,
    labelNote: label === what && traits !== '' ? traits : undefined,
    value,
    valueNote: rounds,
    description: `${name}: ${value}${rounds === undefined ? '' : `, rounds ${rounds}`}`,
    marks: [
      scale.ticks.map((tick) => verticalLine('grid', scale.at(tick))),
      barBetween(scale.at(EVEN), scale.at(ratio), {
        class: `ratio ${ratio >= EVEN ? 'ahead' : 'behind'}`,
        'data-ratio': ratio,
      }),
      spread && whisker(scale.at(spread.min), scale.at(spread.max)),
      verticalLine('base', scale.at(EVEN)),
    ],
  });
}

/** The same comparison under several conditions has a heading; the rows name the conditions. */
function comparison(what: string, ratios: readonly Ratio[], scale: Scale): Markup[] {
  if (ratios.length === 1) return [ratioRow(what, ratios[0]!, scale)];
  const rows = ratios.map((ratio) => ratioRow(ratio.traits || what, ratio, scale));
  return [tag('h4', { class: 'comparison' }, what), ...rows];
}

/** The ratios of one suite, and the conditions that all of them share. */
interface Group {
  readonly suite: string;
  readonly known: readonly string[];
  readonly ratios: readonly Ratio[];
}

function groupOf({ suite, json }: SuiteResult): Group[] {
  const rows = rowsOf(json, 'ratios');
  const known = sharedConditions(rows);
  const ratios = rows.flatMap((row) => ratioOf(row, known));
  return ratios.length === 0 ? [] : [{ suite, known, ratios }];
}

function groupMarkup({ suite, known, ratios }: Group, scale: Scale): Markup {
  const byName = [...groupBy(ratios, ({ what }) => what)];
  return tag(
    'div',
    { class: 'wide', 'data-ratios': suite },
    tag('h3', {}, `Suite ${suite}${known.length === 0 ? '' : `: ${known.join(', ')}`}`),
    axisRow(scale, (tick) => `${tick}×`),
    byName.map(([what, ofName]) => comparison(what, ofName, scale)),
  );
}

export function ratioSection(results: readonly SuiteResult[]): Section | undefined {
  const groups = results.flatMap(groupOf);
  if (groups.length === 0) return undefined;
  const figures = groups.flatMap(({ ratios }) => {
    return ratios.flatMap(({ ratio, spread }) => [
      ratio,
      ...(spread ? [spread.min, spread.max] : []),
    ]);
  });
  const scale = logScale([EVEN, ...figures], TICKS);
  return {
    id: 'ratios',
    title: 'Ratios: rung against rung, engine against engine',
    body: tag(
      'div',
      {},
      tag(
        'p',
        {},
        'Ratios of medians that were measured in one run, both sides on the same machine, disk ' +
          'and workload. Right of the line, and blue, the first named is ahead; left of it, and ' +
          'orange, the other one. The thin line spans the rounds. The axis is logarithmic.',
      ),
      groups.map((group) => groupMarkup(group, scale)),
    ),
  };
}
