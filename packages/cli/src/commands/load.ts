/**
 * `manifold load`: reads a file or stdin and puts its records.
 */
import { Option, type Command } from 'commander';
import type { Database } from '@manifold-db/core';
import {
  addCache,
  addDurability,
  addFamily,
  addJson,
  addMode,
  wholeNumber,
  type EngineOptions,
  type FamilyOption,
  type JsonOption,
} from '../arguments.js';
import type { Context } from '../context.js';
import { bytesOnDisk, engineOptions, interruptedFailure, withDatabase } from '../database.js';
import { FORMATS, formatOf, type Format } from '../input/format.js';
import { parseKeyRule, type KeyRule } from '../input/key.js';
import { readRows, type RowCounts } from '../input/rows.js';
import { openSource, type Source } from '../input/source.js';
import { Loader } from '../load/loader.js';
import { startProgress, type LoadState } from '../load/progress.js';
import { group, seconds } from '../report.js';

const BATCH_DEFAULT = 1000;
const BATCH_MAX = 1_000_000;
const IN_FLIGHT_DEFAULT = 8;
const IN_FLIGHT_MAX = 4096;

interface LoadOptions extends JsonOption, FamilyOption, EngineOptions {
  readonly format?: Format;
  readonly key?: string;
  readonly keySeparator: string;
  readonly batch: number;
  readonly inFlight: number;
  readonly quiet?: boolean;
}

interface LoadPlan {
  readonly options: LoadOptions;
  readonly format: Format;
  readonly rule: KeyRule;
  readonly source: Source;
}

/** What one load did; `--json` prints it as it is. */
interface LoadReport {
  readonly input: string;
  readonly format: Format;
  readonly columnFamily: string;
  readonly mode: string;
  readonly durability: string;
  readonly records: number;
  readonly skipped: number;
  readonly commits: number;
  readonly syncs: number;
  readonly bytesRead: number;
  /** From the first byte read to the last commit synced. */
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly commitsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly lastSequence: number;
}

async function loadInto(db: Database, plan: LoadPlan, context: Context): Promise<LoadReport> {
  const { options, source } = plan;
  const { cf: family, batch: batchRows, inFlight } = options;
  const loader = new Loader(db, { family, batchRows, inFlight });
  const counts: RowCounts = { skipped: 0 };
  const state = (): LoadState => ({
    records: loader.records,
    bytesRead: source.bytesRead,
    bytesTotal: source.bytesTotal,
    committed: db.lastCommitted,
    synced: db.lastSynced,
    applied: db.lastApplied,
  });
  const progress = startProgress(context, source.bytesTotal, options.quiet === true);
  const startMs = performance.now();
  try {
    for await (const rows of readRows(source.chunks, plan.format, plan.rule, counts)) {
      if (context.interrupted.aborted) break;
      await loader.add(rows);
      progress.update(state);
    }
    if (!context.interrupted.aborted) await loader.finish();
  } catch (error) {
    // Ctrl-C also breaks off a read that waits for input.
    if (!context.interrupted.aborted) throw error;
  } finally {
    await loader.settle();
    progress.finish(state);
  }
  if (context.interrupted.aborted) {
    const kept = `the first ${loader.records} records are stored; load again to get all`;
    throw interruptedFailure(`: ${kept}`);
  }
  return reportOf(db, plan, loader, counts, (performance.now() - startMs) / 1000);
}

function reportOf(
  db: Database,
  plan: LoadPlan,
  loader: Loader,
  counts: RowCounts,
  elapsed: number,
): LoadReport {
  const { options, log } = db.stats();
  return {
    input: plan.source.name,
    format: plan.format,
    columnFamily: plan.options.cf,
    mode: options.mode,
    durability: options.durability,
    records: loader.records,
    skipped: counts.skipped,
    commits: loader.commits,
    syncs: log.syncs,
    bytesRead: plan.source.bytesRead,
    seconds: elapsed,
    recordsPerSecond: loader.records / elapsed,
    commitsPerSecond: loader.commits / elapsed,
    p50Us: loader.latencies.percentileUs(0.5),
    p99Us: loader.latencies.percentileUs(0.99),
    lastSequence: db.lastCommitted,
  };
}

function describe(report: LoadReport, bytes: number): string[] {
  const { records, commits, syncs } = report;
  const rate = `${group(report.recordsPerSecond)} records/s`;
  const latency = `p50 ${group(report.p50Us)} us, p99 ${group(report.p99Us)} us`;
  const lines = [
    `${group(records)} records in ${seconds(report.seconds)} s (${rate}), mode ${report.mode}`,
    `${group(commits)} commits (${latency}), ${group(syncs)} syncs, ${group(bytes)} bytes on disk`,
  ];
  if (report.skipped > 0) lines.push(`${group(report.skipped)} empty lines skipped`);
  return lines;
}

async function load(
  context: Context,
  path: string,
  input: string,
  options: LoadOptions,
): Promise<void> {
  const format = formatOf(input, options.format);
  const key = options.key ?? (format === 'lines' ? 'line' : 'index');
  const rule = parseKeyRule(key, options.keySeparator);
  // The input first: a mistyped name must not leave an empty database behind.
  const source = await openSource(input, context);
  try {
    const plan = { options, format, rule, source };
    let closeStartMs = 0;
    const report = await withDatabase(context, path, engineOptions(options), async (db) => {
      const done = await loadInto(db, plan, context);
      closeStartMs = performance.now();
      return done;
    });
    const closeSeconds = (performance.now() - closeStartMs) / 1000;
    const bytes = await bytesOnDisk(path);
    const lines =
      options.json === true
        ? [JSON.stringify({ ...report, closeSeconds, bytesOnDisk: bytes })]
        : describe(report, bytes);
    for (const line of lines) context.stdout.line(line);
  } finally {
    await source.close();
  }
}

export function addLoad(program: Command, context: Context): void {
  const command = program
    .command('load')
    .description('load records from a file, or from stdin ("-")')
    .argument('<database>', 'directory of the database; created if it does not exist')
    .argument('<input>', 'file, or "-" for stdin');
  command
    .addOption(new Option('--format <name>', 'default: by the ending of the name').choices(FORMATS))
    .option('--key <source>', '"line", "index", or fields such as "country,name"')
    .option('--key-separator <text>', 'between the fields of a key', '/')
    .option('--batch <n>', 'records per commit', wholeNumber(1, BATCH_MAX), BATCH_DEFAULT)
    .option(
      '--in-flight <n>',
      'commits at a time',
      wholeNumber(1, IN_FLIGHT_MAX),
      IN_FLIGHT_DEFAULT,
    )
    .option('--quiet', 'no progress on stderr');
  addJson(addCache(addDurability(addMode(addFamily(command)))));
  command.addHelpText(
    'after',
    [
      '',
      'Formats: ndjson, json (one array), lines, csv, tsv (both with a header row).',
      'A JSON string is stored as its content, anything else as its JSON text, a CSV row as a JSON',
      'object. With "--key line" (default for lines) the line or string is the key and its number',
      'the value; with "--key index" (default otherwise) it is the other way round.',
      'The output of "manifold dump" is recognised and restored, with all its column families.',
    ].join('\n'),
  );
  command.action((path: string, input: string, options: LoadOptions) => {
    return load(context, path, input, options);
  });
}
