/** The command `report`: writes the page, and says where it is. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Settings } from '../arguments.js';
import type { Report } from '../report.js';
import { readInputs } from './inputs.js';
import { pageOf } from './page.js';

const FILE_NAME = 'report.html';

/** A folder of its own: a page from before is not overwritten. */
function defaultPath(): string {
  return join(mkdtempSync(join(tmpdir(), 'manifold-report-')), FILE_NAME);
}

export async function report(settings: Settings): Promise<Report> {
  const { results, missing } = await readInputs(settings);
  const page = pageOf({ results, missing, madeAt: new Date() });
  const path = settings.output ?? defaultPath();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, page);
  const suites = results.map(({ suite }) => suite);
  return {
    json: { page: path, suites, missing: missing.map(({ title, why }) => ({ title, why })) },
    text: `${path}\n`,
  };
}
