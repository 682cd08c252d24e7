/** The process that reads: loads its records once, then runs one case after another. */
import type { ManifoldStore } from '../engines/manifold-store.js';
import type { Store } from '../engines/store.js';
import { openLoaded, type LoadedParameters } from '../loaded-store.js';
import type { EngineFacts } from '../report.js';
import { serveSession, type Served } from '../session.js';
import { casesFor, methodOf, type Case, type Way, type Workload } from './cases.js';
import { HalfFullBuffers, ROOMY_LOG, type BufferState } from './half-full.js';

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

type ReadServed = Served<ReadCommand, ReadMeasures | undefined>;

async function timed({ units, run }: Case, store: Store, way: Way) {
  const started = performance.now();
  const sum = await run(store, way);
  return { units, sum, opsPerSecond: (units * MS_PER_SECOND) / (performance.now() - started) };
}

async function start(given: LoadedParameters): Promise<ReadServed> {
  const isBuffered = given.mode === 'buffered';
  const hold = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const parameters = isBuffered
    ? { ...given, hold, openOptions: { ...ROOMY_LOG, ...given.openOptions } }
    : given;
  const { store, records } = await openLoaded(parameters);
  const cases = casesFor(records);
  const buffers = isBuffered
    ? new HalfFullBuffers(store as ManifoldStore, records, hold)
    : undefined;
  const run = async (command: ReadCommand): Promise<ReadMeasures | undefined> => {
    const { workload, way, isHalfFull } = command;
    const method = methodOf(store, workload, way);
    if (method === undefined) return undefined;
    const used = isHalfFull ? buffers : undefined;
    used?.fill();
    const bufferStart = used?.state;
    const result = await timed(cases[workload], store, way);
    const bufferEnd = used?.state;
    await used?.empty();
    return { facts: store.facts, method, ...result, bufferStart, bufferEnd };
  };
  return { run, close: () => store.close() };
}

serveSession(start);
