/**
 * The command `manifold`: puts the commands together and turns every ending into an exit code.
 */
import { Command, CommanderError } from 'commander';
import { addBackup } from './commands/backup.js';
import { addCount } from './commands/count.js';
import { addDelete } from './commands/delete.js';
import { addDump } from './commands/dump.js';
import { addGet } from './commands/get.js';
import { addLoad } from './commands/load.js';
import { addPut } from './commands/put.js';
import { addScan } from './commands/scan.js';
import { addStats } from './commands/stats.js';
import { addVerify } from './commands/verify.js';
import type { Context } from './context.js';
import { interruptedFailure } from './database.js';
import {
  CommandFailure,
  describeFailure,
  EXIT_OK,
  EXIT_USAGE,
  OutputClosed,
  usageFailure,
} from './failure.js';

const COMMANDS = [
  addLoad,
  addGet,
  addPut,
  addDelete,
  addScan,
  addCount,
  addStats,
  addVerify,
  addBackup,
  addDump,
];

/** Adds to a complaint of commander where the right usage is shown. */
function withMend(error: CommanderError, command: string): CommandFailure {
  const text = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  return usageFailure(`${text}; see "${command} --help"`);
}

function commandName(command: Command): string {
  return command.parent === null
    ? command.name()
    : `${commandName(command.parent)} ${command.name()}`;
}

/** Makes a command throw instead of ending the process, and print only what it was asked for. */
function throwing(command: Command, context: Context): void {
  command.configureOutput({
    writeOut: (text) => void context.stdout.line(text.trimEnd()),
    writeErr: (text) => void context.stderr.line(text.trimEnd()),
    outputError: () => undefined,
  });
  command.exitOverride((error) => {
    if (error.exitCode === EXIT_OK || error.code === 'commander.help') throw error;
    throw withMend(error, commandName(command));
  });
}

export function buildProgram(context: Context, version: string): Command {
  const program = new Command('manifold')
    .description('Reads and writes Manifold databases.')
    .version(version)
    .showSuggestionAfterError(true);
  for (const add of COMMANDS) add(program, context);
  for (const command of [program, ...program.commands]) throwing(command, context);
  program.addHelpText(
    'after',
    '\nExit codes: 0 done; 1 not found, damaged or failed; 2 wrong usage; 130 interrupted.',
  );
  return program;
}

/** A failure that ctrl-C brought about is reported as that, not as what it broke. */
function withoutAftermath(context: Context, failure: unknown): unknown {
  if (!context.interrupted.aborted || failure instanceof CommandFailure) return failure;
  return interruptedFailure();
}

function exitCodeOf(context: Context, failure: unknown): number {
  if (failure instanceof OutputClosed) return EXIT_OK;
  if (failure instanceof CommanderError) {
    // Help that was not asked for (no command given) stands on stderr and is wrong usage.
    return failure.exitCode === EXIT_OK ? EXIT_OK : EXIT_USAGE;
  }
  const { text, exitCode } = describeFailure(failure);
  context.stderr.line(text);
  if (process.env['MANIFOLD_DEBUG'] !== undefined && failure instanceof Error) {
    context.stderr.line(failure.stack ?? '');
  }
  return exitCode;
}

/** Runs one command line (without node and script) and returns the exit code. */
export async function runManifold(
  args: readonly string[],
  context: Context,
  version: string,
): Promise<number> {
  let exitCode = EXIT_OK;
  try {
    await buildProgram(context, version).parseAsync(args, { from: 'user' });
    await context.stdout.flush();
  } catch (failure) {
    exitCode = exitCodeOf(context, withoutAftermath(context, failure));
  }
  // What was printed before a failure still belongs to the output.
  await context.stdout.flush().catch(() => undefined);
  await context.stderr.flush().catch(() => undefined);
  return exitCode;
}
