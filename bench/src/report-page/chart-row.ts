/**
 * One line of a chart: a name, a drawing as wide as there is room, the figures in words. The
 * drawing holds no text and is placed in percent, so nothing is ever squeezed or overlaps.
 */
import { tag, type Child, type Markup } from './markup.js';
import { percent, type Scale } from './scale.js';

export const ROW_HEIGHT = 20;
const AXIS_HEIGHT = 18;
const BAR_TOP = 3;
export const BAR_HEIGHT = ROW_HEIGHT - 2 * BAR_TOP;
/** Percent of the axis next to its ends where text is not centred. */
const AXIS_END = 4;

interface ChartRow {
  readonly label: Child;
  readonly labelNote?: string | undefined;
  readonly value: string;
  readonly valueNote?: string | undefined;
  /** What the drawing says, for who does not see it. */
  readonly description: string;
  readonly marks: readonly Child[];
  readonly className?: string | undefined;
}

export function chartRow(row: ChartRow): Markup {
  const note = (text: string | undefined) => text !== undefined && tag('small', {}, text);
  return tag(
    'div',
    { class: row.className === undefined ? 'row' : `row ${row.className}` },
    tag('div', { class: 'label' }, row.label, ' ', note(row.labelNote)),
    tag(
      'div',
      { class: 'chart' },
      tag(
        'svg',
        { height: ROW_HEIGHT, role: 'img', 'aria-label': row.description },
        tag('title', {}, row.description),
        row.marks,
      ),
    ),
    tag('div', { class: 'value' }, row.value, ' ', note(row.valueNote)),
  );
}

export function track(): Markup {
  const place = { x: 0, y: BAR_TOP, width: '100%', height: BAR_HEIGHT, rx: 2 };
  return tag('rect', { class: 'track', ...place });
}

export function verticalLine(className: string, x: number): Markup {
  return tag('line', { class: className, x1: percent(x), x2: percent(x), y1: 0, y2: ROW_HEIGHT });
}

export function horizontalLine(className: string, from: number, to: number): Markup {
  const y = ROW_HEIGHT / 2;
  return tag('line', { class: className, x1: percent(from), x2: percent(to), y1: y, y2: y });
}

/** A line over the middle of a bar, from the worst to the best round. */
export function whisker(from: number, to: number): Markup[] {
  const end = (x: number) =>
    tag('line', { class: 'whisker', x1: percent(x), x2: percent(x), y1: 6, y2: ROW_HEIGHT - 6 });
  return [horizontalLine('whisker', from, to), end(from), end(to)];
}

export function barBetween(
  from: number,
  to: number,
  attributes: Readonly<Record<string, string | number | undefined>>,
): Markup {
  return tag('rect', {
    x: percent(Math.min(from, to)),
    y: BAR_TOP,
    width: percent(Math.abs(to - from)),
    height: BAR_HEIGHT,
    rx: 1.5,
    ...attributes,
  });
}

/** The numbers of the axis, in a line with the drawings below it. */
export function axisRow(scale: Scale, format: (value: number) => string): Markup {
  const texts = scale.ticks.map((value) => {
    const x = scale.at(value);
    const ends = x > 100 - AXIS_END ? 'end' : 'middle';
    return tag('text', { class: x < AXIS_END ? '' : ends, x: percent(x), y: 13 }, format(value));
  });
  return tag(
    'div',
    { class: 'row axis', 'aria-hidden': 'true' },
    tag('div', { class: 'label' }),
    tag('div', { class: 'chart' }, tag('svg', { height: AXIS_HEIGHT }, texts)),
    tag('div', { class: 'value' }),
  );
}
