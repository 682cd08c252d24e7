/** The process that recovers: opens the directory, reads once, and says how long that took. */
import { openManifold } from '../engines/manifold.js';
import { versionOf } from '../engines/versions.js';
import { serveIsolated } from '../isolated.js';
import type { EngineFacts } from '../report.js';
import { KEY_BYTES, openFamily, optionsFor, writeKey, type RecoveryParameters } from './run.js';

const IN_FORCE = "'immediate': every commit was synced before the process was killed";

export interface Recovered {
  readonly facts: EngineFacts;
  readonly openMs: number;
  readonly replayMs: number;
  readonly commitsReplayed: number;
  readonly bytesReplayed: number;
  readonly entries: number;
}

serveIsolated(async (parameters: RecoveryParameters): Promise<Recovered> => {
  const started = performance.now();
  const database = await openManifold(parameters.directory, optionsFor(parameters));
  const family = openFamily(database);
  const found = family.get(writeKey(Buffer.alloc(KEY_BYTES), parameters.count - 1));
  const openMs = performance.now() - started;
  if (found === undefined) throw new Error('the last record was not recovered');
  const entries = family.count();
  const { recovery, options } = database.stats();
  await database.close();
  return {
    facts: { version: versionOf('manifold'), options: { ...options }, inForce: IN_FORCE },
    openMs,
    replayMs: recovery.durationMs,
    commitsReplayed: recovery.commitsReplayed,
    bytesReplayed: recovery.bytesReplayed,
    entries,
  };
});
