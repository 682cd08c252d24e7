/** The ladder: throughput of every mode beside the peers, and how near it comes to its ideal. */
import { tag, type Markup } from './markup.js';
import { barPanel, hasRate, rungsOf } from './rate-bars.js';
import { groupBy, numberOf, rowsOf, type Row, type SuiteResult } from './rows.js';
import { commandFor, type Section } from './section.js';
import { formatUs, formatWhole } from './units.js';

const SUITE = 'ladder';

function batchText(batchOps: number): string {
  return `${batchOps === 1 ? '1 put' : `${formatWhole(batchOps)} puts`} per commit`;
}

function group(addedUs: number, rows: readonly Row[], rungs: readonly string[]): Markup[] {
  const added = addedUs === 0 ? 'The disk as it is' : `${formatUs(addedUs)} added to every sync`;
  const batches = [...groupBy(rows, (row) => numberOf(row, 'batchOps') ?? 0)];
  return [
    tag('h3', {}, added),
    tag(
      'div',
      { class: 'panels' },
      batches.map(([batchOps, ofBatch]) => barPanel(batchText(batchOps), ofBatch, rungs)),
    ),
  ];
}

function key(): Markup {
  const drawing = (...marks: Markup[]) => tag('svg', { height: 14, 'aria-hidden': 'true' }, marks);
  const line = (name: string, x1: string, x2: string, y1: number, y2: number) =>
    tag('line', { class: name, x1, x2, y1, y2 });
  const ends = [line('whisker', '0%', '0%', 3, 11), line('whisker', '100%', '100%', 3, 11)];
  return tag(
    'div',
    { class: 'key soft' },
    tag('span', {}, drawing(line('ideal', '50%', '50%', 0, 14)), 'ideal of the mode'),
    tag(
      'span',
      {},
      drawing(line('whisker', '0%', '100%', 7, 7), ...ends),
      'slowest to fastest round',
    ),
  );
}

export function ladderSection({ json }: SuiteResult): Section | undefined {
  const rows = rowsOf(json, 'runs').filter(hasRate);
  if (rows.length === 0) return undefined;
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
      groups.map(([addedUs, ofGroup]) => group(addedUs, ofGroup, rungsOf(rows))),
      tag('p', { class: 'command soft' }, 'Measured by ', tag('code', {}, commandFor(SUITE))),
    ),
  };
}
