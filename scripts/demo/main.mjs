/**
 * The demo: loads a few million real records into a fresh database, once per commit mode, reopens
 * it, compares every record with the source, and prints one table. The last database stays.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DATA_SETS, MANIFOLD, pathOf, ROOT } from './data.mjs';

const MODES = ['sequential', 'async-wal', 'pipelined', 'buffered'];
const FOLDER = join(ROOT, '.data/demo');
const BATCH = 1000;
const IN_FLIGHT = 8;
const CHECKER = fileURLToPath(new URL('check-database.mjs', import.meta.url));

const say = (text) => process.stdout.write(`${text}\n`);
const group = (value) => Math.round(value).toLocaleString('en-US');
const elapsedSeconds = (startMs) => ((performance.now() - startMs) / 1000).toFixed(1);
const databaseOf = (mode) => join(FOLDER, mode);

/** Runs a Node program that prints one JSON object; its progress goes to our stderr. */
async function runJson(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: ROOT });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (...ending) => resolve(ending));
  });
  if (code !== 0) {
    const ending = signal === null ? `exit code ${code}` : signal;
    throw new Error(`"node ${args.join(' ')}" ended with ${ending}; see the line above`);
  }
  return JSON.parse(output);
}

function load(mode, dataSet) {
  const options = {
    '--format': 'json',
    '--cf': dataSet.family,
    '--key': dataSet.key,
    '--mode': mode,
    '--batch': BATCH,
    '--in-flight': IN_FLIGHT,
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [name, String(value)]);
  return runJson([MANIFOLD, 'load', databaseOf(mode), pathOf(dataSet), ...flags, '--json']);
}

/** Loads and checks in one mode; returns a row of the table. */
async function runMode(mode) {
  const reports = [];
  for (const dataSet of DATA_SETS) {
    say(`${mode}: loading ${dataSet.family}`);
    reports.push(await load(mode, dataSet));
  }
  const sum = (field) => reports.reduce((total, report) => total + report[field], 0);
  const records = sum('records');
  const seconds = sum('seconds');
  const startMs = performance.now();
  const { checked } = await runJson([CHECKER, databaseOf(mode)]);
  if (checked !== records) throw new Error(`${checked} records checked, ${records} loaded`);
  say(`${mode}: reopened, ${group(checked)} records are right (${elapsedSeconds(startMs)} s)`);
  // Latencies come from the larger load; percentiles of two loads cannot be added.
  const [largest] = reports.toSorted((a, b) => b.commits - a.commits);
  return {
    mode,
    records: group(records),
    'records/s': group(records / seconds),
    'commits/s': group(sum('commits') / seconds),
    syncs: group(sum('syncs')),
    'p50 us': group(largest.p50Us),
    'p99 us': group(largest.p99Us),
    'bytes on disk': group(reports.at(-1).bytesOnDisk),
  };
}

function printTable(rows) {
  const names = Object.keys(rows[0]);
  const table = [names, ...rows.map((row) => names.map((name) => row[name]))];
  const widths = names.map((_, column) => Math.max(...table.map((cells) => cells[column].length)));
  const pad = (cell, column) => {
    return column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  };
  for (const cells of table) say(cells.map(pad).join('  ').trimEnd());
}

function sayNext(path) {
  const linked = existsSync(join(ROOT, 'node_modules/.bin/manifold'));
  const manifold = linked ? 'npx manifold' : `node ${relative(ROOT, MANIFOLD)}`;
  const database = relative(ROOT, path);
  say(`\nThe database is in ${database}. Try next, from the folder of the repository:`);
  for (const args of [
    `scan ${database} --cf packages --prefix react- --limit 10`,
    `count ${database} --cf packages --prefix @types/`,
    `scan ${database} --cf cities --prefix IS/ --limit 5 --json`,
    `get ${database} typescript --cf packages`,
    `put ${database} hello world && ${manifold} get ${database} hello`,
    `stats ${database}`,
    `verify ${database}`,
  ]) {
    say(`  ${manifold} ${args}`);
  }
}

async function main() {
  const startMs = performance.now();
  for (const dataSet of DATA_SETS) pathOf(dataSet);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const rows = [];
  for (const mode of MODES) {
    rows.push(await runMode(mode));
    if (mode !== MODES.at(-1)) rmSync(databaseOf(mode), { recursive: true });
  }
  say('');
  printTable(rows);
  const setting = `${BATCH} records per commit, ${IN_FLIGHT} commits in flight, each synced`;
  say(`\n${setting}; Node ${process.version}, ${availableParallelism()} processors;`);
  say(`every record read back and compared; ${elapsedSeconds(startMs)} s in all.`);
  sayNext(databaseOf(MODES.at(-1)));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
}
