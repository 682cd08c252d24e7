/**
 * Entry of the benchmark. stdout carries the report and nothing else; progress goes to stderr.
 * Exit codes: 0 measured, 1 failed, 2 bad arguments.
 */
import { USAGE, UsageError, parseArguments, type Settings, type SuiteName } from './arguments.js';
import type { Report } from './report.js';

type Suite = (settings: Settings) => Promise<Report>;

/** Loaded on demand: each suite needs other packages. */
const SUITES: Readonly<Record<SuiteName, () => Promise<Suite>>> = {
  ladder: async () => (await import('./ladder/suite.js')).ladder,
  seed: async () => (await import('./seed/suite.js')).seed,
  commits: async () => (await import('./commits/suite.js')).commits,
  load: async () => (await import('./load/suite.js')).load,
  read: async () => (await import('./reads/suite.js')).read,
  scan: async () => (await import('./reads/suite.js')).scan,
  mixed: async () => (await import('./mixed/suite.js')).mixed,
  large: async () => (await import('./large/suite.js')).large,
  recovery: async () => (await import('./recovery/suite.js')).recovery,
  open: async () => (await import('./open/suite.js')).open,
  memory: async () => (await import('./memory/suite.js')).memory,
  micro: async () => (await import('./micro/suite.js')).micro,
  timeline: async () => (await import('./timeline/suite.js')).timeline,
  report: async () => (await import('./report-page/suite.js')).report,
};

async function main(args: readonly string[]): Promise<void> {
  const settings = parseArguments(args);
  if (settings === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  const suite = await SUITES[settings.suite]();
  const report = await suite(settings);
  process.stdout.write(
    settings.json ? `${JSON.stringify({ suite: settings.suite, ...report.json })}\n` : report.text,
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`error: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}
