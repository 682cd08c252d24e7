/** The process of the suite `mixed`: loads its records once, then runs one workload after another. */
import { latencyFigures } from '../latencies.js';
import { openLoaded, type LoadedParameters } from '../loaded-store.js';
import type { Measures } from '../rounds.js';
import { serveSession, type Served } from '../session.js';
import { Clients } from './clients.js';
import { YCSB, type YcsbName } from './workloads.js';

const MS_PER_SECOND = 1e3;

export interface MixedCommand {
  readonly workload: YcsbName;
  readonly clients: number;
  readonly durationMs: number;
}

async function start(parameters: LoadedParameters): Promise<Served<MixedCommand, Measures>> {
  const { store, records } = await openLoaded(parameters);
  const clients = new Clients(store, records);
  const run = async (command: MixedCommand): Promise<Measures> => {
    const figures = await clients.run(YCSB[command.workload], command.clients, command.durationMs);
    const { latenciesUs, elapsedMs, bytesSum } = figures;
    await store.settle();
    return {
      facts: store.facts,
      figures: {
        opsPerSecond: (latenciesUs.length / elapsedMs) * MS_PER_SECOND,
        ...latencyFigures(latenciesUs),
      },
      notes: { shares: YCSB[command.workload].shares, bytesSum },
    };
  };
  return { run, close: () => store.close() };
}

serveSession(start);
