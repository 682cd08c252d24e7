/** A headless Chromium for the tests of the page: Debian's, driven by playwright-core. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserType, Page } from 'playwright-core';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const bench = createRequire(fileURLToPath(new URL('../package.json', import.meta.url)));

const executablePath = BROWSERS.find((path) => existsSync(path));

function isDriverInstalled(): boolean {
  try {
    bench.resolve('playwright-core');
    return true;
  } catch {
    return false;
  }
}

/** Why the page cannot be opened here; `undefined` when it can. */
export function browserMissing(): string | undefined {
  if (executablePath === undefined) return 'chromium is not installed';
  return isDriverInstalled() ? undefined : 'playwright-core is not installed';
}

export async function launchBrowser(): Promise<Browser> {
  const { chromium } = bench('playwright-core') as { chromium: BrowserType };
  // The only page it opens is one that the test made; containers often allow no sandbox.
  return chromium.launch({ executablePath: executablePath!, chromiumSandbox: false });
}

/** What went wrong in the page, or went out of it. */
export function watch(page: Page): string[] {
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(`exception: ${error.message}`));
  page.on('console', (message) => troubles.push(`${message.type()}: ${message.text()}`));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) troubles.push(`request: ${request.url()}`);
  });
  return troubles;
}

/** Texts that are cut off, stand out of the window, or cover each other. */
export function misplacedTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const say = (what: string, element: Element) => {
      found.push(`${what}: ${element.textContent?.slice(0, 60)}`);
    };
    const isScrolled = (element: Element) => element.closest('.scroller, .sheet') !== null;
    const texts = 'h1, h2, h3, h4, p, li, summary, figcaption, .label, .value, .lanes div, a';
    for (const element of document.querySelectorAll<HTMLElement>(texts)) {
      if (isScrolled(element) || element.offsetParent === null) continue;
      const { left, right } = element.getBoundingClientRect();
      if (left < 0 || right > innerWidth + 0.5) say('outside the window', element);
      if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) {
        say('wider than its box', element);
      }
    }
    for (const svg of document.querySelectorAll('svg')) {
      if (svg.getBoundingClientRect().width === 0) continue;
      const boxes = [...svg.querySelectorAll(':scope > text')].map((element) => {
        return { element, box: element.getBoundingClientRect() };
      });
      for (const [index, { element, box }] of boxes.entries()) {
        const isCovered = boxes.slice(index + 1).some(({ box: other }) => {
          const isBeside = other.left >= box.right || other.right <= box.left;
          return !isBeside && other.top < box.bottom && other.bottom > box.top;
        });
        if (isCovered) say('covered by another text', element);
      }
    }
    return found;
  });
}

/** Contrast of a mark's fill with what lies behind it, as WCAG counts it: 1 to 21. */
export function contrastOf(page: Page, mark: string, behind: string): Promise<number> {
  return page.evaluate(
    ([markSelector, behindSelector]) => {
      const luminance = (selector: string): number => {
        const element = document.querySelector(selector!);
        if (element === null) throw new Error(`nothing matches ${selector}`);
        const style = getComputedStyle(element);
        const isDrawn = element instanceof SVGElement;
        const colour = isDrawn ? style.fill : style.backgroundColor;
        const [red, green, blue] = colour.match(/[\d.]+/g)!.map((part) => {
          const share = Number(part) / 255;
          return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
      };
      const both = [luminance(markSelector!), luminance(behindSelector!)].sort((a, b) => b - a);
      return (both[0]! + 0.05) / (both[1]! + 0.05);
    },
    [mark, behind],
  );
}
