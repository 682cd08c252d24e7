/**
 * The pipeline as it ran: three lanes, one bar for every span that was measured, one line for every
 * hand-over from thread to thread. Bars differ in height as well as in colour: the short part of a
 * thread's work is drawn short.
 */
import { tag, type Markup } from './markup.js';
import { linearScale, percent, type Scale } from './scale.js';
import { LANES, spanFor, type DrawnRun, type DrawnSpan } from './timeline-model.js';
import { formatUs } from './units.js';

const LANE_TOP = 26;
const LANE_HEIGHT = 40;
const LANE_STEP = 76;
const BAR_INSET = 5;
const SHORT_BAR_SHARE = 0.5;
const AXIS_GAP = 16;
export const TIMELINE_HEIGHT = LANE_TOP + 2 * LANE_STEP + LANE_HEIGHT + AXIS_GAP + 10;
const NUMBERED_EVERY = 5;
/** Percent of the picture between two commit numbers, at the least width. */
const NUMBER_GAP = 2;
const TICKS_MAX = 14;
/** Percent of the picture behind which a number would be cut off in the middle. */
const AXIS_END = 97.5;
/** Percent of the picture that a bar needs for its commit numbers, at the least width. */
const LABEL_PERCENT = 3.4;
/** The commits whose way is drawn strongly. */
const FOLLOWED_SHARES = [0.2, 0.5, 0.8];

export function laneTop(lane: string): number {
  return LANE_TOP + LANES.findIndex(({ name }) => name === lane) * LANE_STEP;
}

export function laneMiddle(lane: string): number {
  return laneTop(lane) + LANE_HEIGHT / 2;
}

function commitsText({ first, last }: DrawnSpan): string {
  return first === last ? `${first}` : `${first}–${last}`;
}

function isShort({ stage, part }: DrawnSpan): boolean {
  return stage === 'AppendWal' || part === 'write';
}

function bar(run: DrawnRun, span: DrawnSpan, scale: Scale): Markup[] {
  const { lane, stage, part, startUs, endUs, first, last } = span;
  const start = scale.at(startUs);
  const width = scale.at(endUs) - start;
  const full = LANE_HEIGHT - 2 * BAR_INSET;
  const height = isShort(span) ? full * SHORT_BAR_SHARE : full;
  const y = laneTop(lane) + BAR_INSET + full - height;
  const isOutside = last < 1 || first > run.commits;
  const classes = ['stage', `stage-${stage}`, part && `part-${part}`, isOutside && 'outside'];
  const what = part === undefined ? stage : `${stage} (${part})`;
  const title = `${what}, commit ${commitsText(span)}: ${formatUs(endUs - startUs)}`;
  const mark = tag(
    'rect',
    {
      class: classes.filter(Boolean).join(' '),
      'data-stage': stage,
      'data-lane': lane,
      'data-part': part,
      'data-first': first,
      'data-last': last,
      x: percent(start),
      y,
      width: percent(width),
      height,
      rx: 1.5,
    },
    tag('title', {}, title),
  );
  if (lane === 'main' || isShort(span) || width < LABEL_PERCENT || isOutside) return [mark];
  const at = { class: 'on-bar', x: percent(start + width / 2), y: y + height / 2 + 4 };
  return [mark, tag('text', at, commitsText(span))];
}

function handOver(from: DrawnSpan, to: DrawnSpan, scale: Scale, isFollowed: boolean): Markup {
  const isDown = laneTop(from.lane) < laneTop(to.lane);
  const edge = (lane: string, isLower: boolean) => {
    return laneTop(lane) + (isLower ? LANE_HEIGHT - BAR_INSET : BAR_INSET);
  };
  return tag('line', {
    class: isFollowed ? 'flow followed' : 'flow',
    x1: percent(scale.at(from.endUs)),
    y1: edge(from.lane, isDown),
    x2: percent(scale.at(to.startUs)),
    y2: edge(to.lane, !isDown),
  });
}

/** Main thread to fsync worker for each commit, fsync worker to whoever applies for each group. */
function flows(run: DrawnRun, scale: Scale, followed: ReadonlySet<number>): Markup[] {
  const lines = new Map<string, { from: DrawnSpan; to: DrawnSpan; isFollowed: boolean }>();
  const add = (commit: number, from?: DrawnSpan, to?: DrawnSpan) => {
    if (from === undefined || to === undefined) return;
    const key = `${from.startUs} ${to.startUs}`;
    const isFollowed = followed.has(commit) || (lines.get(key)?.isFollowed ?? false);
    lines.set(key, { from, to, isFollowed });
  };
  for (let commit = 1; commit <= run.commits; commit++) {
    const sync = spanFor(run, commit, 'WaitForSync', 'sync');
    const write = spanFor(run, commit, 'WaitForSync', 'write');
    add(commit, spanFor(run, commit, 'AppendWal'), write);
    const apply = spanFor(run, commit, 'ApplyChanges');
    // In mode `async-wal` the commit is applied before it is synced.
    if (sync !== undefined && apply !== undefined && apply.startUs >= sync.endUs) {
      add(commit, sync, apply);
    }
  }
  const ordered = [...lines.values()].sort((a, b) => Number(a.isFollowed) - Number(b.isFollowed));
  return ordered.map(({ from, to, isFollowed }) => handOver(from, to, scale, isFollowed));
}

function commitNumbers(run: DrawnRun, scale: Scale, followed: ReadonlySet<number>): Markup[] {
  const commits = Array.from({ length: run.commits }, (_, i) => i + 1);
  const regular = commits.filter((commit) => commit === 1 || commit % NUMBERED_EVERY === 0);
  const taken: number[] = [];
  // Those that are drawn strongly come first: where it is crowded, theirs is the number shown.
  return [...followed, ...regular].flatMap((commit) => {
    const span = spanFor(run, commit, 'BuildChanges');
    if (span === undefined) return [];
    const middle = (scale.at(span.startUs) + scale.at(span.endUs)) / 2;
    if (taken.some((place) => Math.abs(place - middle) < NUMBER_GAP)) return [];
    taken.push(middle);
    return tag('text', { class: 'commit', x: percent(middle), y: LANE_TOP - 8 }, `${commit}`);
  });
}

function axis(scale: Scale): Markup[] {
  const y = LANE_TOP + 2 * LANE_STEP + LANE_HEIGHT;
  return scale.ticks.flatMap((us) => {
    const x = percent(scale.at(us));
    const line = tag('line', { class: 'grid', x1: x, x2: x, y1: LANE_TOP, y2: y });
    if (us === 0) return [line, tag('text', { x, y: y + AXIS_GAP }, '0')];
    const anchor = scale.at(us) > AXIS_END ? 'end' : 'middle';
    return [line, tag('text', { class: anchor, x, y: y + AXIS_GAP }, formatUs(us))];
  });
}

/** The first `windowUs` microseconds of the run. */
export function timelineChart(run: DrawnRun, windowUs: number): Markup {
  const scale = linearScale(windowUs, TICKS_MAX);
  const followed = new Set(FOLLOWED_SHARES.map((share) => Math.ceil(run.commits * share)));
  const inWindow = run.spans.filter(({ startUs, endUs }) => endUs > 0 && startUs < windowUs);
  const lanes = LANES.map(({ name }) => {
    const place = { x: 0, y: laneTop(name), width: '100%', height: LANE_HEIGHT, rx: 3 };
    return tag('rect', { class: 'lane', 'data-lane': name, ...place });
  });
  const shown = { ...run, spans: inWindow };
  const label = `${run.mode}: ${run.commits} commits on three threads, ${formatUs(windowUs)}`;
  return tag(
    'svg',
    { height: TIMELINE_HEIGHT, role: 'img', 'aria-label': label, 'data-mode': run.mode },
    lanes,
    axis(scale),
    flows(shown, scale, followed),
    inWindow.flatMap((span) => bar(run, span, scale)),
    commitNumbers(shown, scale, followed),
  );
}
