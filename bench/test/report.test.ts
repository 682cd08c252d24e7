/**
 * The report as it is made and looked at: a real short run is traced, the command writes the page,
 * a real browser opens it at a phone's and a desk's width, in light and dark.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  browserMissing,
  contrastOf,
  launchBrowser,
  misplacedTexts,
  watch,
} from './report-browser.js';
import {
  COMMITS,
  LADDER,
  LOAD,
  SAMPLE_ADDED_US,
  SAMPLE_BATCHES,
  SAMPLE_MODES,
} from './report-sample.js';

const BENCH = fileURLToPath(new URL('..', import.meta.url));
const MAIN = join(BENCH, 'dist/main.js');
const SCREENSHOTS = join(tmpdir(), 'manifold-report');
const COMMIT_COUNT = 40;
const TIMEOUT_MS = 180_000;
const isInstalled = existsSync(join(BENCH, 'node_modules/lmdb/package.json'));
const missing = isInstalled ? browserMissing() : 'the packages of bench are not installed';
/** The top rung comes first, the others are there to be compared with it. */
const FEATURED = '[data-featured]';
const STAGES = ['BuildChanges', 'AppendWal', 'WaitForSync', 'ApplyChanges'];

let folder = '';
let pagePath = '';

function run(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}

beforeAll(() => {
  if (!isInstalled) return;
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const built = spawnSync(process.execPath, [compiler, '-b', join(BENCH, 'src')], {
    encoding: 'utf8',
  });
  expect(built.stdout).toBe('');
  folder = mkdtempSync(join(tmpdir(), 'manifold-report-test-'));
  const traced = run('timeline', '--json', '--dir', folder);
  expect(traced.status, traced.stderr).toBe(0);
  const files = { ladder: LADDER, commits: COMMITS, load: LOAD };
  const paths = Object.entries(files).map(([suite, json]) => {
    writeFileSync(join(folder, `${suite}.json`), JSON.stringify(json));
    return join(folder, `${suite}.json`);
  });
  writeFileSync(join(folder, 'timeline.json'), traced.stdout);
  const inputs = [...paths, join(folder, 'timeline.json')].join(',');
  const made = run('report', '--input', inputs, '--output', join(folder, 'page/report.html'));
  expect(made.status, made.stderr).toBe(0);
  pagePath = made.stdout.trim();
}, TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!isInstalled)('the report command', () => {
  it('writes one page that needs nothing else', () => {
    const page = readFileSync(pagePath, 'utf8');
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).not.toMatch(/<script|<img|<iframe|@import|url\(|https?:/);
    expect(page).toContain('Sample &lt;processor&gt; &amp; &quot;co&quot;');
  });

  it('names what is missing, and what brings it', () => {
    const page = readFileSync(pagePath, 'utf8');
    for (const suite of ['read', 'recovery', 'memory', 'micro']) {
      expect(page).toContain(`data-missing="suite ${suite}"`);
      expect(page).toContain(`npm run -s bench -- ${suite} --json`);
    }
    expect(page).not.toContain('data-missing="suite ladder"');
    expect(page).toContain('rocksdb in suite commits: no binary for this platform');
  });

  it('says what is wrong with a file', () => {
    const other = join(folder, 'other.json');
    for (const [text, message] of [
      ['[]', 'holds no JSON object'],
      ['{"runs":[]}', 'is not what a suite prints'],
    ] as const) {
      writeFileSync(other, text);
      const output = run('report', '--input', other);
      expect(output.status).toBe(2);
      expect(output.stderr).toContain(message);
    }
    expect(run('report', '--input', join(folder, 'absent.json')).stderr).toContain('cannot read');
  });
});

const title = missing === undefined ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(`the page in Chromium${title}`, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
    mkdirSync(SCREENSHOTS, { recursive: true });
  }, TIMEOUT_MS);

  afterAll(() => browser?.close());

  async function open(width: number, colorScheme: 'light' | 'dark') {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const troubles = watch(page);
    await page.goto(pathToFileURL(pagePath).href);
    return { page, troubles, close: () => context.close() };
  }

  for (const width of [390, 1280]) {
    for (const scheme of ['light', 'dark'] as const) {
      it(`looks right at ${width} px, ${scheme}`, async () => {
        const { page, troubles, close } = await open(width, scheme);
        const file = join(SCREENSHOTS, `${width}-${scheme}.png`);
        await page.screenshot({ path: file, fullPage: true });
        const pageWidth = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(pageWidth).toBeLessThanOrEqual(width);
        // What is folded away has a layout of its own.
        for (const details of await page.locator('summary').all()) await details.click();
        expect(await misplacedTexts(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(pageWidth);
        await expectContrast(page);
        expect(troubles).toEqual([]);
        await close();
      });
    }
  }

  async function expectContrast(page: Page) {
    for (const stage of STAGES) {
      const mark = `${FEATURED} .stage-${stage}:not(.outside)`;
      expect(await contrastOf(page, mark, '.lane'), stage).toBeGreaterThan(3);
    }
    for (const part of ['write', 'sync']) {
      const mark = `.stage.part-${part}:not(.outside)`;
      expect(await contrastOf(page, mark, '.lane'), part).toBeGreaterThan(3);
    }
    for (const bar of ['.rung-0', '.rung-2', '.bar[data-engine="lmdb"]', '.ahead', '.behind']) {
      expect(await contrastOf(page, bar, '.track'), bar).toBeGreaterThan(3);
    }
    expect(await contrastOf(page, 'svg text.commit', 'section'), 'text').toBeGreaterThan(4.5);
  }

  it('draws the four stages of every commit on three lanes', async () => {
    const { page, close } = await open(1280, 'light');
    const marks = await page.locator(`${FEATURED} rect.stage`).evaluateAll((all) =>
      all.map((rect) => {
        const { stage, lane, part, first, last } = (rect as SVGElement).dataset;
        const { width } = rect.getBoundingClientRect();
        return { stage, lane, part, first: Number(first), last: Number(last), width };
      }),
    );
    expect(await page.locator(`${FEATURED} rect.lane`).count()).toBe(3);
    const lanes = { BuildChanges: 'main', AppendWal: 'main', WaitForSync: 'wal' };
    for (const [stage, lane] of Object.entries({ ...lanes, ApplyChanges: 'apply' })) {
      const found = marks.filter((mark) => mark.stage === stage);
      expect(found.length, stage).toBeGreaterThan(0);
      expect(new Set(found.map((mark) => mark.lane)), stage).toEqual(new Set([lane]));
    }
    for (let commit = 1; commit <= COMMIT_COUNT; commit++) {
      const found = marks.filter(({ first, last }) => first <= commit && commit <= last);
      const kinds = found.map(({ stage, part }) => part ?? stage);
      for (const kind of ['BuildChanges', 'AppendWal', 'write', 'sync']) {
        expect(kinds, `commit ${commit}`).toContain(kind);
      }
    }
    expect(marks.some(({ stage, width }) => stage === 'BuildChanges' && width > 1)).toBe(true);
    expect(await page.locator(`${FEATURED} line.followed`).count()).toBeGreaterThan(2);
    expect(await page.locator('[data-timeline="sequential"] rect.stage').count()).toBeGreaterThan(
      8,
    );
    await close();
  });

  it('scrolls the pipeline sideways on a phone, not the page', async () => {
    const { page, close } = await open(390, 'light');
    const scroller = page.locator(`${FEATURED} .scroller`);
    const [inside, shown] = await scroller.evaluate((element) => {
      return [element.scrollWidth, element.clientWidth];
    });
    expect(inside).toBeGreaterThan(2 * shown!);
    expect(await page.getByText('Swipe the picture sideways').first().isVisible()).toBe(true);
    await close();
  });

  it('has a bar, its figure and its efficiency for every mode of the ladder', async () => {
    const { page, close } = await open(1280, 'dark');
    const panels = page.locator('#ladder .panel');
    expect(await panels.count()).toBe(SAMPLE_BATCHES.length * SAMPLE_ADDED_US.length);
    for (const mode of SAMPLE_MODES) {
      const bars = page.locator(`#ladder rect.bar[data-engine="manifold"][data-mode="${mode}"]`);
      expect(await bars.count(), mode).toBe(await panels.count());
    }
    expect(await page.locator('#ladder rect.bar[data-engine="lmdb"]').count()).toBe(2);
    const first = await panels.first().innerText();
    for (const text of ['501 k/s', '90 % of ideal', '1.07 M/s', '80 % of ideal', '815 k/s']) {
      expect(first).toContain(text);
    }
    const widths = await panels
      .first()
      .locator('rect.bar')
      .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    expect(widths[2]! / widths[0]!).toBeCloseTo(1_070_500 / 501_130, 1);
    await close();
  });

  it('has every ratio, on the side of the line where it belongs', async () => {
    const { page, close } = await open(1280, 'light');
    expect(await page.locator('#ratios rect.ratio').count()).toBe(6);
    const ofSqlite = page.locator('#ratios rect.ratio[data-ratio="0.713"]');
    expect(await ofSqlite.getAttribute('class')).toBe('ratio behind');
    const ofLmdb = page.locator('#ratios rect.ratio[data-ratio="1.47"]');
    expect(await ofLmdb.getAttribute('class')).toBe('ratio ahead');
    const [behind, ahead] = [await ofSqlite.boundingBox(), await ofLmdb.boundingBox()];
    expect(behind!.x + behind!.width).toBeCloseTo(ahead!.x, 0);
    const text = await page.locator('#ratios').innerText();
    for (const part of ['1.40× to 1.55×', 'depth 256', 'depth 1, p50'])
      expect(text).toContain(part);
    await close();
  });

  it('has a bar for every engine of the other suites', async () => {
    const { page, close } = await open(1280, 'light');
    const suites = page.locator('[data-throughput]');
    expect(await suites.count()).toBe(2);
    const load = page.locator('[data-throughput="load"]');
    expect(await load.locator('rect.bar').count()).toBe(LOAD.runs.length);
    expect(await load.innerText()).toContain('380 k/s');
    const commits = page.locator('[data-throughput="commits"]');
    expect(await commits.locator('.panel').count()).toBe(2);
    expect(await commits.locator('rect.bar').count()).toBe(COMMITS.runs.length);
    await close();
  });

  it('has latency percentiles in their order and the load rate over time', async () => {
    const { page, close } = await open(1280, 'light');
    const rows = page.locator('#latency .row:not(.axis)');
    expect(await rows.count()).toBe(COMMITS.runs.length);
    for (const row of await rows.all()) {
      const places = await row.locator('[data-percentile]').evaluateAll((marks) => {
        return marks.map((mark) => mark.getBoundingClientRect().x);
      });
      expect(places).toHaveLength(3);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    }
    const lines = page.locator('#rates polyline');
    expect(await lines.count()).toBe(2);
    const box = await lines.first().boundingBox();
    expect(box!.width).toBeGreaterThan(600);
    await close();
  });
});
