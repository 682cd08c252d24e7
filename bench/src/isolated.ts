/**
 * Runs one measurement in a process of its own, so that neither memory nor compiled code of another
 * one leaks into it. Its standard output goes to stderr: stdout belongs to the report.
 */
import { fork, type ChildProcess } from 'node:child_process';

const MAX_RUN_MS = 30 * 60_000;

export interface IsolatedOptions {
  /** Directory for a CPU profile of the child, if one is wanted. */
  readonly profileDirectory?: string | undefined;
  /** The child ends by SIGKILL as soon as it has answered, without any clean-up. */
  readonly killWhenAnswered?: boolean | undefined;
}

type Answer<R> = { readonly result: R } | { readonly error: string };

/** A process for measurements, which listens for what it is to do. */
export function forkMeasurement(entry: URL, profileDirectory: string | undefined): ChildProcess {
  const execArgv = ['--expose-gc'];
  if (profileDirectory !== undefined) {
    execArgv.push('--cpu-prof', `--cpu-prof-dir=${profileDirectory}`);
  }
  return fork(entry, [], { execArgv, stdio: ['ignore', 2, 2, 'ipc'], serialization: 'advanced' });
}

/** Calls what the module `entry` serves, in a new process. */
export function runIsolated<P, R>(entry: URL, parameters: P, options: IsolatedOptions): Promise<R> {
  const child = forkMeasurement(entry, options.profileDirectory);
  return new Promise<R>((resolve, reject) => {
    let answer: Answer<R> | undefined;
    const timer = setTimeout(() => child.kill('SIGKILL'), MAX_RUN_MS);
    child.once('message', (message) => {
      answer = message as Answer<R>;
      if (options.killWhenAnswered === true) child.kill('SIGKILL');
      else if (child.connected) child.disconnect();
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (answer === undefined) reject(new Error(`a measurement ended with ${signal ?? code}`));
      else if ('error' in answer) reject(new Error(answer.error));
      else resolve(answer.result);
    });
    child.send(parameters as object);
  });
}

/** The child's side: answers the one call with what `run` gives. */
export function serveIsolated<P, R>(run: (parameters: P) => Promise<R>): void {
  // The parent hangs up when it has its answer, or because it died.
  process.once('disconnect', () => process.exit());
  process.once('message', (parameters) => {
    run(parameters as P).then(
      (result) => process.send!({ result }),
      (error: unknown) => {
        process.send!({ error: error instanceof Error ? (error.stack ?? error.message) : error });
      },
    );
  });
}
