/** The pipeline timeline: the top rung of the modes in full, the others in the same time. */
import { tag, type Attributes, type Markup } from './markup.js';
import { rowsOf, type SuiteResult } from './rows.js';
import { commandFor, type Section } from './section.js';
import { TIMELINE_HEIGHT, laneMiddle, timelineChart } from './timeline-chart.js';
import { LANES, busyShare, drawnRun, meanOf, syncedBy, type DrawnRun } from './timeline-model.js';
import { formatBytes, formatShare, formatUs, formatWhole } from './units.js';

const SUITE = 'timeline';
const BASELINE_MODE = 'sequential';

/** A bar as in the picture; the short ones beside or instead of the tall one. */
function swatch(stage: string, shape: 'tall' | 'short' | 'both'): Markup {
  const tall = { y: 3, height: 16, rx: 1.5 };
  const short = { y: 11, height: 8, rx: 1.5 };
  const bar = (className: string, place: Attributes) =>
    tag('rect', { class: `stage-${stage}${className}`, ...place });
  const whole = { x: 0, width: 14 };
  const bars = {
    tall: [bar('', { ...tall, ...whole })],
    short: [bar('', { ...short, ...whole })],
    both: [bar(' part-write', { ...short, x: 0, width: 5 }), bar('', { ...tall, x: 6, width: 8 })],
  };
  return tag('svg', { 'aria-hidden': 'true' }, bars[shape]);
}

function costText(run: DrawnRun, stage: string, part?: string): string {
  const mean = meanOf(run, stage, part);
  if (mean === undefined) return 'not in this stretch';
  const isGrouped = stage !== 'BuildChanges' && stage !== 'AppendWal';
  const commits = mean.commits.toLocaleString('en-US', { maximumFractionDigits: 1 });
  const per = isGrouped ? `per group of ${commits}` : 'per commit';
  return `${formatUs(mean.us)} ${per}`;
}

function legend(run: DrawnRun): Markup {
  const appliesOnMain = run.spans.some((span) => {
    return span.stage === 'ApplyChanges' && span.lane === 'main';
  });
  const item = (swatches: Markup, name: string, where: string, ...costs: string[]) =>
    tag(
      'li',
      { class: 'legend-item' },
      swatches,
      tag('span', {}, tag('b', {}, name), `${where}: `, costs.join('; ')),
    );
  const write = `write, the short bar, ${costText(run, 'WaitForSync', 'write')}`;
  const sync = `fdatasync ${costText(run, 'WaitForSync', 'sync')}`;
  return tag(
    'ul',
    { class: 'legend' },
    item(
      swatch('BuildChanges', 'tall'),
      'BuildChanges',
      'main thread',
      costText(run, 'BuildChanges'),
    ),
    item(
      swatch('AppendWal', 'short'),
      'AppendWal',
      'main thread, short bar',
      costText(run, 'AppendWal'),
    ),
    item(swatch('WaitForSync', 'both'), 'WaitForSync', 'fsync worker', write, sync),
    item(
      swatch('ApplyChanges', 'tall'),
      'ApplyChanges',
      appliesOnMain ? 'main thread' : 'apply worker',
      costText(run, 'ApplyChanges'),
    ),
  );
}

function lanes(): Markup {
  const labels = LANES.map(({ name, label, below }) => {
    const style = `top: ${laneMiddle(name)}px`;
    return tag('div', { style }, label, tag('small', {}, below));
  });
  return tag('div', { class: 'lanes', style: `height: ${TIMELINE_HEIGHT}px` }, labels);
}

function picture(run: DrawnRun, windowUs: number, ...caption: string[]): Markup {
  const busy = LANES.map(({ name, label, below }) => {
    return `${label} ${below} ${formatShare(busyShare(run, name))}`;
  }).join(', ');
  const scroller = { class: 'scroller', tabindex: 0, role: 'group' };
  return tag(
    'figure',
    { 'data-timeline': run.mode },
    tag(
      'div',
      { class: 'timeline' },
      lanes(),
      tag(
        'div',
        { ...scroller, 'aria-label': `timeline of mode ${run.mode}, scrolls sideways` },
        timelineChart(run, windowUs),
      ),
    ),
    tag(
      'figcaption',
      {},
      tag('span', { class: 'hint' }, 'Swipe the picture sideways. '),
      `Busy: ${busy}. `,
      ...caption,
    ),
  );
}

function title(run: DrawnRun): string {
  return `Mode ${run.mode}: ${run.commits} commits durable in ${formatUs(run.elapsedUs)}`;
}

/** The top rung, on its own time axis. */
function featuredPicture(run: DrawnRun): Markup {
  return tag(
    'div',
    { 'data-featured': run.mode },
    tag('h3', {}, title(run)),
    picture(
      run,
      run.elapsedUs,
      'Every bar is one measured span, all threads on one clock; numbers are commits. Lines lead ' +
        'from the append to the write of the group and from its sync to where it is applied; ' +
        'three commits are drawn strongly. Pale bars belong to neighbouring commits. One of ' +
        'several bursts in one process, each begun when the one before was applied: the one of ' +
        'median duration among those in which every stage shows.',
    ),
  );
}

function compared(run: DrawnRun, featured: DrawnRun): Markup[] {
  const windowUs = featured.elapsedUs;
  const isSlower = run.elapsedUs > windowUs;
  const same = isSlower
    ? `The picture ends where the one above does: by then ${syncedBy(run, windowUs)} were durable.`
    : 'On the same time axis.';
  return [tag('h3', {}, title(run)), picture(run, windowUs, same)];
}

export function timelineSection({ json }: SuiteResult): Section | undefined {
  const runs = rowsOf(json, 'runs').flatMap((row) => drawnRun(row) ?? []);
  const featured = runs.at(-1);
  if (featured === undefined) return undefined;
  const baseline = runs.find(({ mode }) => mode === BASELINE_MODE && featured.mode !== mode);
  const others = runs.filter((run) => run !== featured && run !== baseline);
  const { batchOps, inFlight, addedSyncLatencyUs, writeBufferBytes } = featured;
  const added = addedSyncLatencyUs > 0 ? `, ${formatUs(addedSyncLatencyUs)} added per sync` : '';
  const buffer =
    writeBufferBytes === undefined
      ? ''
      : ` The write buffer has generations of only ${formatBytes(writeBufferBytes)}, so that ` +
        'some are merged within the picture.';
  return {
    id: SUITE,
    title: 'The pipeline, as it ran',
    body: tag(
      'div',
      {},
      tag(
        'p',
        {},
        `Four stages on three threads: while one group of commits is synced, the next is ` +
          `appended and the one after it is built. ${formatWhole(batchOps)} puts per commit, ` +
          `${inFlight} commits in flight, every one durable${added}.${buffer}`,
      ),
      legend(featured),
      featuredPicture(featured),
      baseline && compared(baseline, featured),
      others.length > 0 &&
        tag(
          'details',
          {},
          tag('summary', {}, `Other modes: ${others.map(({ mode }) => mode).join(', ')}`),
          others.flatMap((run) => compared(run, featured)),
        ),
      tag('p', { class: 'command soft' }, 'Measured by ', tag('code', {}, commandFor(SUITE))),
    ),
  };
}
