/**
 * `clear`: the removal of a range, of the first or last entries of it, or of those that a snapshot
 * shows. Main thread.
 */
import type { Commit, CommitOptions, KeyBounds } from '@manifold-db/core';
import { engineEncoding, storedBounds, type EngineEncoding, type Format } from './keys.js';
import type { ScanHome, ScanOptions } from './scan.js';
import { engineSnapshot } from './snapshot.js';

export type ClearOptions = Omit<ScanOptions, 'valueEncoding' | 'signal'>;

/** Keys of a snapshot that one commit removes. */
const CHUNK_KEYS = 1000;

/** A range in stored form. */
interface Target {
  readonly bounds: KeyBounds<Format>;
  readonly encoding: EngineEncoding;
}

export async function clearRange(
  home: ScanHome,
  options: ClearOptions,
  commit: CommitOptions | undefined,
): Promise<void> {
  const target = storedBounds(options, engineEncoding(options.keyEncoding));
  if (engineSnapshot(options.snapshot) !== undefined) {
    await clearOfSnapshot(home, target, options, commit);
  } else if (options.limit < 0) {
    await home.families.get(target.encoding, 'buffer').clear(target.bounds, commit);
  } else {
    await clearSome(home, target, options, commit);
  }
}

/** Up to `limit` entries: the range ends at the last one of them. */
function clearSome(
  { database, families }: ScanHome,
  { bounds, encoding }: Target,
  { limit, reverse }: ClearOptions,
  commit: CommitOptions | undefined,
): Promise<Commit> {
  const family = families.get(encoding, 'buffer');
  return database.write((tx) => {
    let last: Format | undefined;
    for (const key of tx.keys(family, { ...bounds, limit, reverse })) last = key;
    if (last === undefined) return;
    const { gt, gte, lt, lte } = bounds;
    tx.clear(family, reverse ? { gte: last, lt, lte } : { gt, gte, lte: last });
  }, commit);
}

async function clearOfSnapshot(
  { database, families }: ScanHome,
  { bounds, encoding }: Target,
  { limit, reverse, snapshot }: ClearOptions,
  commit: CommitOptions | undefined,
): Promise<void> {
  const family = families.get(encoding, 'buffer');
  const shown = engineSnapshot(snapshot);
  const entriesMax = limit < 0 ? undefined : limit;
  const batch = database.batch();
  const keys = family.keys({ ...bounds, reverse, limit: entriesMax, snapshot: shown });
  for await (const key of keys) {
    batch.delete(family, key);
    if (batch.length === CHUNK_KEYS) await batch.write(commit);
  }
  if (batch.length > 0) await batch.write(commit);
}
