/**
 * The suite `micro`: single parts of the engine, to see which one a change made slower. The report
 * is per operation.
 */
import type { Settings } from '../arguments.js';
import { rounded } from '../figures.js';
import { runIsolated } from '../isolated.js';
import { describeMachine } from '../machine.js';
import type { Report } from '../report.js';
import { formatTable } from '../table.js';
import type { MicroMeasures, MicroParameters } from './child.js';

const CHILD = new URL('./child.js', import.meta.url);
const NS_PER_SECOND = 1e9;

export async function micro(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const { quick, profileDirectory } = settings;
  const measures = await runIsolated<MicroParameters, MicroMeasures[]>(
    CHILD,
    { quick },
    { profileDirectory },
  );
  const runs = measures.map(({ name, operations, samples, ...seconds }) => {
    const ns = (perCall: number) => rounded((perCall * NS_PER_SECOND) / operations);
    return {
      part: name,
      nsPerOperation: ns(seconds.medianSeconds),
      nsPerOperationMin: ns(seconds.minSeconds),
      nsPerOperationMax: ns(seconds.maxSeconds),
      operationsPerSecond: rounded(operations / seconds.medianSeconds),
      samples,
    };
  });
  const text = formatTable(
    [
      ['part', (run) => run.part],
      ['ns', (run) => run.nsPerOperation],
      ['min', (run) => run.nsPerOperationMin],
      ['max', (run) => run.nsPerOperationMax],
      ['operations/s', (run) => run.operationsPerSecond],
      ['samples', (run) => run.samples],
    ],
    runs,
  );
  return { json: { machine, runs }, text };
}
