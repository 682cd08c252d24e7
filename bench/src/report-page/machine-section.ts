/** What the figures were measured on, suite by suite, and what was not measured at all. */
import { tag, type Markup } from './markup.js';
import { numberOf, rowOf, rowsOf, textOf, type Row, type SuiteResult } from './rows.js';
import type { MissingPart, Section } from './section.js';
import { formatBytes, formatUs } from './units.js';

interface Column {
  readonly heading: string;
  readonly isNumber: boolean;
  readonly cell: (machine: Row) => string | undefined;
}

function formatted(name: string, format: (value: number) => string): (row: Row) => string {
  return (row) => {
    const value = numberOf(row, name);
    return value === undefined ? '–' : format(value);
  };
}

const COLUMNS: readonly Column[] = [
  { heading: 'processor', isNumber: false, cell: (row) => textOf(row, 'cpu') },
  { heading: 'cores', isNumber: true, cell: formatted('cores', String) },
  { heading: 'memory', isNumber: true, cell: formatted('memoryBytes', formatBytes) },
  { heading: 'platform', isNumber: false, cell: (row) => textOf(row, 'platform') },
  { heading: 'Node', isNumber: false, cell: (row) => textOf(row, 'node') },
  { heading: 'load before', isNumber: true, cell: formatted('loadAverage', String) },
  { heading: 'bare sync p50', isNumber: true, cell: formatted('bareSyncP50Us', formatUs) },
  { heading: 'bare sync p99', isNumber: true, cell: formatted('bareSyncP99Us', formatUs) },
];

function machines(results: readonly SuiteResult[]): Markup {
  const classOf = ({ isNumber }: Column) => (isNumber ? 'number' : undefined);
  const head = COLUMNS.map((column) => {
    return tag('th', { scope: 'col', class: classOf(column) }, column.heading);
  });
  const body = results.map(({ suite, json }) => {
    const machine = rowOf(json, 'machine') ?? {};
    const cells = COLUMNS.map((column) => {
      return tag('td', { class: classOf(column) }, column.cell(machine) ?? '–');
    });
    return tag('tr', {}, tag('th', { scope: 'row' }, suite), cells);
  });
  const corner = tag('th', { scope: 'col' }, 'suite');
  return tag(
    'div',
    { class: 'sheet', tabindex: 0, role: 'group', 'aria-label': 'table, scrolls sideways' },
    tag('table', {}, tag('thead', {}, tag('tr', {}, corner, head)), tag('tbody', {}, body)),
  );
}

function skippedEngines(results: readonly SuiteResult[]): Markup[] {
  return results.flatMap(({ suite, json }) => {
    return rowsOf(json, 'skipped').map((row) => {
      const engine = textOf(row, 'engine') ?? 'an engine';
      const why = textOf(row, 'why') ?? 'no reason was given';
      return tag('li', { 'data-skipped': engine }, `${engine} in suite ${suite}: ${why}`);
    });
  });
}

export function machineSection(
  results: readonly SuiteResult[],
  missing: readonly MissingPart[],
): Section {
  const skipped = skippedEngines(results);
  const notHere = missing.map(({ title, why, command }) => {
    return tag(
      'li',
      { 'data-missing': title },
      tag('b', {}, title),
      `: ${why}; `,
      tag('code', {}, command),
    );
  });
  return {
    id: 'measured-on',
    title: 'Measured on',
    body: tag(
      'div',
      {},
      tag(
        'p',
        {},
        'Figures count where the machine was idle before (load near 0). A bare sync is one write ' +
          'of 200 bytes and fdatasync, without any engine: what the disk alone takes.',
      ),
      results.length > 0 && machines(results),
      notHere.length > 0 && [
        tag('h3', {}, 'Not in this report'),
        tag('ul', { class: 'missing' }, notHere),
      ],
      skipped.length > 0 && [
        tag('h3', {}, 'Peers that could not be measured'),
        tag('ul', { class: 'missing' }, skipped),
      ],
    ),
  };
}
