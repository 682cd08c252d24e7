/** Rates of every other suite, engine beside engine, folded up suite by suite. */
import { conditionText, sharedConditions } from './describe-row.js';
import { tag, type Markup } from './markup.js';
import { barPanel, hasRate, rungsOf } from './rate-bars.js';
import { groupBy, rowsOf, type Row, type SuiteResult } from './rows.js';
import { commandFor, type Section } from './section.js';

/** They have a section of their own, or no rates of engines. */
const ELSEWHERE = new Set(['ladder', 'timeline', 'micro']);
/** Unfolded from the start. */
const FIRST = new Set(['seed', 'load']);

function suiteMarkup(suite: string, rows: readonly Row[]): Markup {
  const known = sharedConditions(rows);
  const shared = known.length === 0 ? '' : `: ${known.join(', ')}`;
  const panels = [...groupBy(rows, (row) => conditionText(row, known))];
  return tag(
    'details',
    { 'data-throughput': suite, open: FIRST.has(suite) ? '' : undefined },
    tag('summary', {}, `Suite ${suite}${shared}`),
    tag(
      'div',
      { class: 'panels folded' },
      panels.map(([condition, alike]) => barPanel(condition, alike, rungsOf(rows))),
    ),
    tag('p', { class: 'command soft' }, 'Measured by ', tag('code', {}, commandFor(suite))),
  );
}

export function throughputSection(results: readonly SuiteResult[]): Section | undefined {
  const suites = results
    .filter(({ suite }) => !ELSEWHERE.has(suite))
    .map(({ suite, json }) => ({ suite, rows: rowsOf(json, 'runs').filter(hasRate) }))
    .filter(({ rows }) => rows.length > 0);
  if (suites.length === 0) return undefined;
  return {
    id: 'throughput',
    title: 'Engine beside engine',
    body: tag(
      'div',
      {},
      tag(
        'p',
        {},
        'Operations per second, median of the rounds; longer is better. Blue bars are Manifold, ' +
          'named by its mode. Engines in one panel were measured in turn, under the same ' +
          'conditions; each panel has a scale of its own. What was acknowledged as immediate ' +
          'survives a loss of power, async only the death of the process.',
      ),
      suites.map(({ suite, rows }) => suiteMarkup(suite, rows)),
    ),
  };
}
