/** The process that recovers: opens the directory, reads once, and says how long that took. */
import { openManifold } from '../engines/manifold.js';
import { serveIsolated } from '../isolated.js';
import { RECOVERY_OPTIONS, openFamily, writeKey, type RecoveryParameters } from './run.js';

export interface Recovered {
  readonly openMs: number;
  readonly replayMs: number;
  readonly commitsReplayed: number;
  readonly bytesReplayed: number;
  readonly entries: number;
}

serveIsolated(async (parameters: RecoveryParameters): Promise<Recovered> => {
  const started = performance.now();
  const database = await openManifold(parameters.directory, { ...RECOVERY_OPTIONS });
  const family = openFamily(database);
  const found = family.get(writeKey(Buffer.alloc(8), parameters.count - 1));
  const openMs = performance.now() - started;
  if (found === undefined) throw new Error('the last record was not recovered');
  const entries = family.count();
  const { recovery } = database.stats();
  await database.close();
  return {
    openMs,
    replayMs: recovery.durationMs,
    commitsReplayed: recovery.commitsReplayed,
    bytesReplayed: recovery.bytesReplayed,
    entries,
  };
});
