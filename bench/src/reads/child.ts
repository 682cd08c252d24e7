/** The process that reads: loads its records once, then runs one case after another. */
import type { ManifoldStore } from '../engines/manifold-store.js';
import type { Store } from '../engines/store.js';
import { openLoaded, type LoadedParameters } from '../loaded-store.js';
import type { EngineFacts } from '../report.js';
import { serveSession, type Served } from '../session.js';
import { casesFor, methodOf, type Case, type Way, type Workload } from './cases.js';
import { bufferState, fillBuffers, type BufferState } from './half-full.js';

const MS_PER_SECOND = 1e3;

export interface ReadCommand {
  readonly workload: Workload;
  readonly way: Way;
  readonly isHalfFull: boolean;
}

export interface ReadMeasures {
  readonly facts: EngineFacts;
  /** The engine's name of the method; empty when there is nothing to tell apart. */
  readonly method: string;
  readonly units: number;
  readonly opsPerSecond: number;
  readonly sum: number;
  readonly bufferStart: BufferState | undefined;
  readonly bufferEnd: BufferState | undefined;
}

interface Timed {
  readonly sum: number;
  readonly opsPerSecond: number;
}

/** Returns without a promise what the engine gives without one: then no turn has passed. */
function timed({ units, run }: Case, store: Store, way: Way): Timed | Promise<Timed> {
  const started = performance.now();
  const result = run(store, way);
  const done = (sum: number): Timed => {
    return { sum, opsPerSecond: (units * MS_PER_SECOND) / (performance.now() - started) };
  };
  return result instanceof Promise ? result.then(done) : done(result);
}

type ReadServed = Served<ReadCommand, ReadMeasures | undefined>;

async function start(parameters: LoadedParameters): Promise<ReadServed> {
  const { store, records } = await openLoaded(parameters);
  const cases = casesFor(records);
  const ours = parameters.engine === 'manifold' ? (store as ManifoldStore) : undefined;
  const run = async (command: ReadCommand): Promise<ReadMeasures | undefined> => {
    const { workload, way, isHalfFull } = command;
    const method = methodOf(store, workload, way);
    if (method === undefined) return undefined;
    if (isHalfFull && (ours === undefined || bufferState(ours) === undefined)) return undefined;
    const bufferStart = isHalfFull ? fillBuffers(ours!, records) : undefined;
    const result = timed(cases[workload], store, way);
    const bufferEnd = isHalfFull ? bufferState(ours!) : undefined;
    const { sum, opsPerSecond } = await result;
    if (isHalfFull) await store.finish();
    const { units } = cases[workload];
    return { facts: store.facts, method, units, opsPerSecond, sum, bufferStart, bufferEnd };
  };
  return { run, close: () => store.close() };
}

serveSession(start);
