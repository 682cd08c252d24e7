/** The page as a whole: one file, no script, nothing to load. */
import { ladderSection } from './ladder-section.js';
import { latencySection } from './latency-section.js';
import { machineSection } from './machine-section.js';
import { tag, type Markup } from './markup.js';
import { rateSection } from './rate-section.js';
import { ratioSection } from './ratio-section.js';
import type { SuiteResult } from './rows.js';
import { commandFor, type MissingPart, type Section } from './section.js';
import { STYLE } from './style.js';
import { tableSection } from './table-section.js';
import { throughputSection } from './throughput-section.js';
import { timelineSection } from './timeline-section.js';

export interface PageInput {
  readonly results: readonly SuiteResult[];
  /** Suites that were wanted and are not there. */
  readonly missing: readonly MissingPart[];
  /** When the page was made, for its readers. */
  readonly madeAt: Date;
}

const NO_FAVICON = 'data:,';

function sectionsOf({ results, missing }: PageInput): Section[] {
  const find = (suite: string) => results.find((result) => result.suite === suite);
  const [timeline, ladder] = [find('timeline'), find('ladder')];
  const sections = [
    timeline && timelineSection(timeline),
    ladder && ladderSection(ladder),
    throughputSection(results),
    ratioSection(results),
    latencySection(results),
    rateSection(results),
    tableSection(results),
    machineSection(results, missing),
  ];
  return sections.filter((section) => section !== undefined);
}

function sectionMarkup({ id, title, body }: Section): Markup {
  const heading = `heading-${id}`;
  return tag(
    'section',
    { id, 'aria-labelledby': heading },
    tag('h2', { id: heading }, title),
    body,
  );
}

function header(input: PageInput, sections: readonly Section[]): Markup {
  const suites = input.results.map(({ suite }) => suite).join(', ');
  const day = input.madeAt.toISOString().replace('T', ' ').slice(0, 16);
  return tag(
    'header',
    {},
    tag('h1', {}, 'Manifold for Node: benchmark report'),
    tag(
      'p',
      { class: 'soft' },
      `Made ${day} UTC by `,
      tag('code', {}, commandFor('report').replace(' --json', '')),
      suites === '' ? '' : ` from the suites ${suites}.`,
    ),
    tag(
      'nav',
      { 'aria-label': 'sections' },
      sections.map(({ id, title }) => tag('a', { href: `#${id}` }, title)),
    ),
  );
}

export function pageOf(input: PageInput): string {
  const sections = sectionsOf(input);
  const head = tag(
    'head',
    {},
    tag('meta', { charset: 'utf-8' }),
    tag('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    tag('meta', { name: 'color-scheme', content: 'light dark' }),
    tag('title', {}, 'Manifold for Node: benchmark report'),
    tag('link', { rel: 'icon', href: NO_FAVICON }),
  );
  const main = tag('main', {}, header(input, sections), sections.map(sectionMarkup));
  const html = tag('html', { lang: 'en' }, head, tag('body', {}, main)).text;
  // Style is not markup: its quotes and arrows must not be escaped.
  return `<!doctype html>\n${html.replace('</head>', `<style>${STYLE}</style></head>`)}\n`;
}
