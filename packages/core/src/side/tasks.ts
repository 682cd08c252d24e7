/**
 * What the side pool can do: the tasks by name, with what goes in and what comes out. Everything
 * here can be cloned from thread to thread. Runs on the pool's threads, or on the main thread when
 * the files exist there only (a simulated disk).
 */
import {
  ManifoldError,
  errnoError,
  errnoOf,
  type ManifoldErrorCode,
  type SubtreeReport,
  type Vfs,
} from '@manifold-db/storage';
import { checkPages, type CheckInput } from './tasks/check-pages.js';
import {
  copyPages,
  discardCopy,
  finishCopy,
  prepareCopy,
  type CopyInput,
  type DiscardInput,
  type FinishInput,
  type PrepareInput,
} from './tasks/copy.js';
import { loadContents, type CheckpointContents, type LoadInput } from './tasks/load-contents.js';
import { readLog, type LogInput, type LogSummary } from './tasks/read-log.js';

export interface SideTasks {
  loadContents: { input: LoadInput; output: CheckpointContents };
  checkPages: { input: CheckInput; output: SubtreeReport };
  readLog: { input: LogInput; output: LogSummary };
  prepareCopy: { input: PrepareInput; output: number };
  copyPages: { input: CopyInput; output: number };
  finishCopy: { input: FinishInput; output: number };
  discardCopy: { input: DiscardInput; output: void };
}

export type TaskName = keyof SideTasks;
type TaskOf<N extends TaskName> = (
  vfs: Vfs,
  input: SideTasks[N]['input'],
  poll: () => void,
) => SideTasks[N]['output'];

const TASKS: { readonly [N in TaskName]: TaskOf<N> } = {
  loadContents,
  checkPages,
  readLog,
  prepareCopy,
  copyPages,
  finishCopy,
  discardCopy,
};

/** A task on its way to a thread. */
export interface TaskRequest<N extends TaskName = TaskName> {
  readonly name: N;
  readonly input: SideTasks[N]['input'];
  /** Shared; anything but STOP_NOT ends the task at its next look. */
  readonly stop: Int32Array;
}

export const STOP_NOT = 0;
export const STOP_NOW = 1;

/** An error as data: cloning one would lose its class and code. */
export interface TaskFailure {
  readonly code: ManifoldErrorCode | undefined;
  readonly errno: string | undefined;
  readonly systemCall: string | undefined;
  readonly message: string;
  readonly path: string | undefined;
  readonly offset: number | undefined;
}

export type TaskOutcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly failure: TaskFailure };

class StoppedError extends Error {}

/** Errors of files and of their content come back as data; all others are bugs and are thrown. */
export function runTask<N extends TaskName>(
  vfs: Vfs,
  { name, input, stop }: TaskRequest<N>,
): TaskOutcome<SideTasks[N]['output']> {
  const poll = (): void => {
    if (Atomics.load(stop, 0) !== STOP_NOT) throw new StoppedError();
  };
  try {
    poll();
    const task: TaskOf<N> = TASKS[name];
    return { kind: 'done', value: task(vfs, input, poll) };
  } catch (error) {
    if (error instanceof StoppedError) return { kind: 'stopped' };
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    return { kind: 'failed', failure };
  }
}

function failureOf(error: unknown): TaskFailure | undefined {
  if (error instanceof ManifoldError) {
    const { code, message, path, offset } = error;
    return { code, errno: undefined, systemCall: undefined, message, path, offset };
  }
  const errno = errnoOf(error);
  if (errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return undefined;
  const { message, path, syscall } = error as NodeJS.ErrnoException;
  return {
    code: undefined,
    errno,
    systemCall: syscall,
    message,
    path,
    offset: undefined,
  };
}

/** The error again, on the other side. */
export function errorOf(failure: TaskFailure): Error {
  const { code, errno, message, path, offset } = failure;
  if (code !== undefined) {
    return new ManifoldError(code, message, {
      ...(path === undefined ? {} : { path }),
      ...(offset === undefined ? {} : { offset }),
    });
  }
  const error = errnoError(errno ?? 'EIO', failure.systemCall ?? 'access', path ?? '');
  error.message = message;
  return error;
}
