/**
 * From what V8 wrote (NODE_V8_COVERAGE) to branches of the TypeScript sources. The compiled files
 * are parsed, so that a branch is a branch of the language, not a range that V8 happened to count.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { mergeScriptCovs } from '@bcoe/v8-coverage';
import { convert } from 'ast-v8-to-istanbul';
import { parseAst } from 'rolldown/parseAst';
import { areaOf } from './coverage-areas.mjs';
import { ROOT } from './bootstrap.mjs';

/** Reports of one script are merged in batches: a long run leaves hundreds of them. */
const BATCH = 64;

/** The source of a compiled file, as a path in the repository; `undefined` for everything else. */
function sourceOf(url) {
  if (!url.startsWith('file:')) return undefined;
  const path = relative(ROOT, fileURLToPath(url)).replaceAll('\\', '/');
  const match = /^packages\/([\w-]+)\/dist\/(.+)\.js$/.exec(path);
  if (match === null) return undefined;
  const source = `packages/${match[1]}/src/${match[2]}.ts`;
  return areaOf(source) === undefined ? undefined : source;
}

function readScripts(folder) {
  const scripts = new Map();
  for (const name of readdirSync(folder)) {
    let report;
    try {
      report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    } catch {
      // Of a process that a test killed while it wrote.
      continue;
    }
    for (const script of report.result) {
      const source = sourceOf(script.url);
      if (source === undefined) continue;
      const known = scripts.get(source) ?? [];
      scripts.set(source, known);
      known.push(script);
      if (known.length >= BATCH) scripts.set(source, [mergeScriptCovs(known)]);
    }
  }
  return scripts;
}

/** Sources without a report are there as well, with nothing covered. */
function sourcesOfAreas() {
  const packages = readdirSync(join(ROOT, 'packages'));
  return packages.flatMap((name) => {
    const folder = join(ROOT, 'packages', name, 'src');
    if (!existsSync(folder)) return [];
    const files = readdirSync(folder, { recursive: true }).map((file) =>
      file.replaceAll('\\', '/'),
    );
    return files.map((file) => `packages/${name}/src/${file}`).filter((file) => areaOf(file));
  });
}

function compiledPath(source) {
  return join(ROOT, source.replace('/src/', '/dist/').replace(/\.ts$/, '.js'));
}

/** `{ line, kind, count }` of each branch: of one side of an `if`, one case, one operand. */
async function branchesOf(source, coverage) {
  const path = compiledPath(source);
  const code = readFileSync(path, 'utf8');
  const sourceMap = JSON.parse(readFileSync(`${path}.map`, 'utf8'));
  const url = pathToFileURL(path).href;
  const nothing = { functions: [] };
  const data = await convert({
    code,
    ast: parseAst(code),
    sourceMap,
    coverage: { url, functions: (coverage ?? nothing).functions },
  });
  const file = Object.values(data)[0];
  if (file === undefined) return [];
  return Object.entries(file.branchMap).flatMap(([id, branch]) =>
    branch.locations.map((location, side) => ({
      line: location.start.line ?? branch.loc.start.line,
      kind: `${branch.type} ${side}`,
      count: file.b[id][side],
    })),
  );
}

/** Of all files of the areas: path → branches. */
export async function readBranches(folder) {
  const scripts = readScripts(folder);
  const files = new Map();
  for (const source of sourcesOfAreas().toSorted()) {
    const found = scripts.get(source);
    const merged = found === undefined ? undefined : mergeScriptCovs(found);
    files.set(source, await branchesOf(source, merged));
  }
  return files;
}
