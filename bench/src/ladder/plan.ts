/** Which runs the ladder makes, and how long each one is. */
import { MODES, type EngineName, type Settings } from '../arguments.js';
import type { RunParameters } from './run.js';

const BATCH_OPS = [1000, 100, 10, 1];
const ADDED_SYNC_LATENCY_US = [0, 500, 4000];
const QUICK_BATCH_OPS = [1000, 10];
const QUICK_ADDED_US = [0, 500];
const QUICK_BATCHES = 5;

/** The seed's number of batches per family; no full run has fewer. */
const SEED_BATCHES = 50;
/**
 * Small batches alone would be over in milliseconds: so many operations at least, as in the seed.
 */
const OPS_PER_FAMILY = 20_000;
/** But no run of one commit at a time should take longer than about this. */
const RUN_MAX_US = 5e6;
/** A sync without anything added, for this estimate only. */
const ASSUMED_SYNC_US = 250;
const FAMILIES = 8;

export function batchesPerFamily(batchOps: number, addedSyncLatencyUs: number): number {
  const syncUs = ASSUMED_SYNC_US + addedSyncLatencyUs;
  const affordable = Math.floor(RUN_MAX_US / syncUs / FAMILIES);
  return Math.max(SEED_BATCHES, Math.min(Math.ceil(OPS_PER_FAMILY / batchOps), affordable));
}

/** Rows of one round, in the order in which they run: modes and engines alternate. */
export function planRound(
  settings: Settings,
  available: readonly EngineName[] = ['manifold', 'lmdb'],
): RunParameters[] {
  const { quick, engines, modes } = settings;
  const batchSizes = settings.batchOps ?? (quick ? QUICK_BATCH_OPS : BATCH_OPS);
  const added = settings.addedSyncLatencyUs ?? (quick ? QUICK_ADDED_US : ADDED_SYNC_LATENCY_US);
  const withManifold = engines?.includes('manifold') ?? true;
  const isLmdbAsked = engines?.includes('lmdb') ?? (modes === undefined || !quick);
  const withLmdb = isLmdbAsked && available.includes('lmdb');
  const rows: RunParameters[] = [];
  for (const batchOps of batchSizes) {
    for (const addedSyncLatencyUs of added) {
      const usual = quick ? QUICK_BATCHES : batchesPerFamily(batchOps, addedSyncLatencyUs);
      const batches = settings.count ?? usual;
      const base = {
        addedSyncLatencyUs,
        batchOps,
        batchesPerFamily: batches,
        // As many as are measured: every thread of the database has compiled its code by then.
        leadInBatchesPerFamily: batches,
        openOptions: settings.openOptions,
        directory: settings.directory,
      };
      for (const mode of withManifold ? (modes ?? MODES) : []) {
        rows.push({ ...base, engine: 'manifold', mode, durability: 'immediate' });
      }
      // Its file system cannot be slowed down.
      if (!withLmdb || addedSyncLatencyUs !== 0) continue;
      for (const durability of ['immediate', 'committed'] as const) {
        rows.push({ ...base, engine: 'lmdb', mode: 'default', durability });
      }
    }
  }
  return rows;
}
