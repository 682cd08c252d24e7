/** Plain text tables for people. */

/** `null` and `undefined`: not measured. */
export type Cell = string | number | null | undefined;

/** Heading, and what stands below it. */
export type Column<R> = readonly [heading: string, cell: (row: R) => Cell];

const FRACTION_BELOW = 100;

/** Few digits, thousands grouped; a dash for what was not measured. */
export function formatCell(cell: Cell): string {
  if (cell === undefined || cell === null || Number.isNaN(cell)) return '-';
  if (typeof cell === 'string') return cell;
  const maximumFractionDigits = Math.abs(cell) < FRACTION_BELOW ? 2 : 0;
  return cell.toLocaleString('en-US', { maximumFractionDigits });
}

/** Of a figure that may be of any kind. */
export function cellOf(value: unknown): Cell {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

/** Text to the left, figures to the right. */
export function formatTable<R>(columns: readonly Column<R>[], rows: readonly R[]): string {
  const cells = columns.map(([heading, cell]) => {
    const values = rows.map(cell);
    const texts = [heading, ...values.map(formatCell)];
    const width = Math.max(...texts.map((text) => text.length));
    const isText = values.some((value) => typeof value === 'string');
    const padded = texts.map((text) => (isText ? text.padEnd(width) : text.padStart(width)));
    return padded.toSpliced(1, 0, '-'.repeat(width));
  });
  const lines = Array.from({ length: rows.length + 2 }, (_, line) => {
    return cells
      .map((texts) => texts[line]!)
      .join('  ')
      .trimEnd();
  });
  return `${lines.join('\n')}\n`;
}
