/**
 * What a command sees of the outside world, so that tests can run it without a process.
 */
import type { Output } from './output.js';

export interface Context {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Draw a progress bar on stderr, instead of plain lines. */
  readonly stderrIsTerminal: boolean;
  /** Aborted by ctrl-C: stop, close the database, end. */
  readonly interrupted: AbortSignal;
}
