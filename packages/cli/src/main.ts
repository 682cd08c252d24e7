/**
 * Entry of the command `manifold`, on the main thread of its own process.
 */
import { readFileSync } from 'node:fs';
import { describeFailure, EXIT_FAILED } from './failure.js';
import { Output } from './output.js';
import { runManifold } from './program.js';

const EXIT_KILLED_BY: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The first signal asks the command to stop and close the database; the second one ends it. */
function interruptible(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(EXIT_KILLED_BY[name]);
      controller.abort();
      // Ends a read that waits for more input.
      process.stdin.destroy();
    });
  }
  return controller.signal;
}

/** Defects, too, are reported in one line; MANIFOLD_DEBUG shows where they are. */
process.on('uncaughtException', (error: unknown) => {
  const where = process.env['MANIFOLD_DEBUG'] === undefined ? undefined : (error as Error).stack;
  process.stderr.write(`${describeFailure(error).text}\n${where ?? ''}`);
  process.exit(EXIT_FAILED);
});

const interrupted = interruptible();
const exitCode = await runManifold(
  process.argv.slice(2),
  {
    stdin: process.stdin,
    stdout: new Output(process.stdout),
    stderr: new Output(process.stderr, { optional: true }),
    stderrIsTerminal: process.stderr.isTTY === true,
    interrupted,
  },
  readVersion(),
);
process.exitCode = exitCode;
// An unfinished read of stdin would keep the process alive after the command has ended.
process.stdin.destroy();
