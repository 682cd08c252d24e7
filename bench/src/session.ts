/**
 * A measurement in a process of its own that is asked more than once: it prepares itself, then
 * answers one command after another until it is ended. So engines can take turns at each case
 * without being loaded anew for each.
 */
import type { ChildProcess } from 'node:child_process';
import { forkMeasurement } from './isolated.js';

const MAX_COMMAND_MS = 30 * 60_000;

type Answer<R> = { readonly result: R } | { readonly error: string };
type Request<P, C> = { readonly start: P } | { readonly command: C } | { readonly end: true };

export class Session<P, C, R> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
    });
  }

  static async start<P, C, R>(
    entry: URL,
    parameters: P,
    profileDirectory: string | undefined,
  ): Promise<Session<P, C, R>> {
    const session = new Session<P, C, R>(forkMeasurement(entry, profileDirectory));
    try {
      await session.#ask({ start: parameters });
    } catch (error) {
      session.kill();
      throw error;
    }
    return session;
  }

  call(command: C): Promise<R> {
    return this.#ask({ command });
  }

  /** The child closes what it has open. */
  async end(): Promise<void> {
    await this.#ask({ end: true });
    this.#child.disconnect();
    await this.#ended;
  }

  /** Ends the child as it is, whatever it does; nothing after a regular end. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ask(request: Request<P, C>): Promise<R> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), MAX_COMMAND_MS);
      const settle = (answer: Answer<R>): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.result);
      };
      const onMessage = (message: unknown): void => settle(message as Answer<R>);
      const onExit = (code: number | null, signal: string | null): void => {
        settle({ error: `a measurement ended with ${signal ?? code}` });
      };
      child.once('message', onMessage);
      child.once('exit', onExit);
      child.send(request);
    });
  }
}

export interface Served<C, R> {
  run(command: C): Promise<R>;
  close(): Promise<void>;
}

/** The child's side. */
export function serveSession<P, C, R>(start: (parameters: P) => Promise<Served<C, R>>): void {
  let served: Served<C, R> | undefined;
  const answer = async (request: Request<P, C>): Promise<R | undefined> => {
    if ('start' in request) served = await start(request.start);
    else if ('command' in request) return served!.run(request.command);
    else await served!.close();
    return undefined;
  };
  // The parent hangs up when it has its answers, or because it died.
  process.once('disconnect', () => process.exit());
  process.on('message', (request) => {
    answer(request as Request<P, C>).then(
      (result) => process.send!({ result }),
      (error: unknown) => {
        process.send!({
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      },
    );
  });
}
