import type { TraceSpan } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../src/arguments.js';
import { tag } from '../src/report-page/markup.js';
import { pageOf } from '../src/report-page/page.js';
import { linearScale, logScale, percent } from '../src/report-page/scale.js';
import { formatBytes, formatCount, formatRatio, formatUs } from '../src/report-page/units.js';
import { pictureOf } from '../src/timeline/run.js';
import { LADDER } from './report-sample.js';

/** A commit takes 10 us to build, 5 to append, 20 to write and sync, alone in its group. */
function traceOf(pausesUs: readonly number[], appliedEvery: number): TraceSpan[] {
  const spans: TraceSpan[] = [];
  let at = 1000;
  for (const [index, pauseUs] of pausesUs.entries()) {
    const sequence = index + 1;
    const push = (thread: TraceSpan['thread'], span: TraceSpan['span'], us: number) => {
      const times = { startUs: at, endUs: at + us };
      spans.push({ thread, span, ...times, first: sequence, last: sequence });
      at += us;
    };
    push('main', 'build', 10);
    push('main', 'append', 5);
    push('wal', 'write', 4);
    push('wal', 'sync', 16 + pauseUs);
    if (sequence % appliedEvery !== 0) continue;
    const applied = { startUs: at - 3, endUs: at - 1, first: sequence - 1, last: sequence };
    spans.push({ thread: 'apply', span: 'apply', ...applied });
  }
  return spans;
}

describe('the picture of a trace', () => {
  it('is the burst of median duration, its commits counted from 1', () => {
    const picture = pictureOf(traceOf([0, 0, 900, 0, 50, 0], 2), [1, 3, 5], 2);
    expect(picture.elapsedUs).toBe(2 * 35 + 50);
    expect(picture.spans[0]).toEqual({
      lane: 'main',
      stage: 'BuildChanges',
      part: null,
      startUs: 0,
      endUs: 10,
      first: 1,
      last: 1,
    });
    const syncs = picture.spans.filter(({ part }) => part === 'sync');
    expect(syncs.map(({ first, startUs, endUs }) => [first, startUs, endUs])).toEqual([
      [1, 19, 85],
      [2, 104, 120],
    ]);
    expect(picture.spans.at(-1)).toMatchObject({ lane: 'apply', stage: 'ApplyChanges' });
  });

  it('shows every stage', () => {
    const trace = traceOf([0, 0, 0, 70, 0, 0], 4);
    const picture = pictureOf(trace, [1, 3, 5], 2);
    expect(picture.elapsedUs).toBe(2 * 35 + 70);
    const none = trace.filter(({ span }) => span !== 'apply');
    expect(() => pictureOf(none, [1, 3, 5], 2)).toThrow(/every stage/);
  });
});

describe('scales', () => {
  it('are in percent, with round numbers', () => {
    const scale = linearScale(32_800, 7);
    expect(scale.ticks).toEqual([0, 5000, 10_000, 15_000, 20_000, 25_000, 30_000]);
    expect([scale.at(0), scale.at(16_400), scale.at(99_999)]).toEqual([0, 50, 100]);
    expect(percent(100 / 3)).toBe('33.333%');
  });

  it('show equal ratios as equal distances', () => {
    const scale = logScale([0.5, 4], [0.5, 1, 2, 4, 8]);
    const places = scale.ticks.map((tick) => scale.at(tick));
    expect(scale.ticks).toEqual([0.5, 1, 2, 4]);
    expect(places[1]! - places[0]!).toBeCloseTo(places[3]! - places[2]!);
    expect(places[0]).toBeGreaterThan(0);
    expect(places[3]).toBeLessThan(100);
  });
});

describe('units', () => {
  it('leave three digits', () => {
    expect([812, 501_130, 1_041_800].map(formatCount)).toEqual(['812', '501 k', '1.04 M']);
    expect([35.4, 1234, 2_500_000].map(formatUs)).toEqual(['35.4 µs', '1.23 ms', '2.5 s']);
    expect([0.713, 4, 1234].map(formatRatio)).toEqual(['0.713×', '4.00×', '1.23 k×']);
    expect(formatBytes(23.5 * 2 ** 30)).toBe('23.5 GiB');
  });
});

describe('the page', () => {
  it('escapes what it was given', () => {
    expect(tag('p', { title: '"<' }, '<b>', tag('i', {}, '&')).text).toBe(
      '<p title="&quot;&lt;">&lt;b&gt;<i>&amp;</i></p>',
    );
  });

  it('is whole with nothing to show', () => {
    const page = pageOf({ results: [], missing: [], madeAt: new Date(0) });
    expect(page).toContain('<h2 id="heading-measured-on">');
    expect(page).toContain('1970-01-01 00:00');
  });

  it('leaves out what is not a figure, and keeps the rest', () => {
    const [first, ...others] = LADDER.runs;
    const runs = [{ ...first, opsPerSecond: null }, 'nonsense', ...others];
    const results = [{ suite: 'ladder', json: { ...LADDER, runs, ratios: [{ what: 'x' }] } }];
    const page = pageOf({ results, missing: [], madeAt: new Date(0) });
    expect(page.match(/class="bar /g)!.length).toBeGreaterThan(10);
    expect(page).not.toMatch(/NaN|undefined|null%/);
    expect(page).not.toContain('id="ratios"');
  });
});

describe('the arguments of the report', () => {
  it('are files', () => {
    const settings = parseArguments([
      'report',
      '--input',
      '/a.json,/b.json',
      '--output',
      '/r.html',
    ]);
    expect(settings).toMatchObject({ inputs: ['/a.json', '/b.json'], output: '/r.html' });
    expect(parseArguments(['report'])).toMatchObject({ inputs: undefined, output: undefined });
  });
});
