/**
 * Workers that do not start. The others ran already when they were ended by force, before they
 * could close their files: every attempt to open left descriptors behind in the process. And those
 * beside a worker that could not be made at all ran on for ever.
 */
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setWorkerUrls } from '@manifold-db/core';
import { PROGRESS_READY } from '@manifold-db/storage';
import { afterEach, expect, it } from 'vitest';
import { databasePath, expectCode, openSmall, tempDirectory } from './support/api-database.js';
import { startedWorkers } from './support/started-workers.js';

const WORKERS = {
  wal: new URL(import.meta.resolve('@manifold-db/wal-worker/worker')),
  apply: new URL(import.meta.resolve('@manifold-db/apply-worker/worker')),
};

/** `threadId` of a worker that is over. */
const ENDED = -1;
const workers = startedWorkers();

afterEach(() => {
  setWorkerUrls(WORKERS);
});

/** What entry modules begin with: `progress`, the words that all threads share. */
const BEGIN = `
  import { workerData } from 'node:worker_threads';
  const progress = new Int32Array(workerData.buffers.progress);
`;
/** Fails when another worker is ready. */
const FAILS = `${BEGIN}
  while (Atomics.load(progress, ${PROGRESS_READY}) === 0) {
    Atomics.wait(progress, ${PROGRESS_READY}, 0, 10);
  }
  throw new Error('bad worker');
`;
/** Is ready, and never looks at the word that tells it to stop. */
const RUNS_ON = `${BEGIN}
  Atomics.add(progress, ${PROGRESS_READY}, 1);
  setInterval(() => {}, 1000);
`;

function workerThat(source: string): URL {
  const path = join(tempDirectory(), 'worker.mjs');
  writeFileSync(path, source);
  return pathToFileURL(path);
}

/** Files below a directory that this process has open. */
function openFiles(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith(directory) ? [path] : [];
    } catch {
      // The one that read the directory.
      return [];
    }
  });
}

async function expectNothingLeft(path: string): Promise<void> {
  expect(workers.length).toBeGreaterThan(0);
  expect(workers.filter(({ threadId }) => threadId !== ENDED)).toEqual([]);
  if (process.platform === 'linux') expect(openFiles(path)).toEqual([]);
  setWorkerUrls(WORKERS);
  const db = await openSmall(path);
  await db.put('a', '1');
  expect(db.get('a')).toBe('1');
}

it('a worker that fails at its start leaves no file open', async () => {
  const path = databasePath();
  setWorkerUrls({ apply: workerThat(FAILS) });
  for (let i = 0; i < 3; i++) await expectCode(openSmall(path), 'ERR_MANIFOLD_WORKER');
  await expectNothingLeft(path);
});

it('a worker that cannot even be made takes the others with it', async () => {
  const path = databasePath();
  setWorkerUrls({ apply: new URL('http://localhost/worker.mjs') });
  await expect(openSmall(path)).rejects.toThrow('file');
  await expectNothingLeft(path);
});

it('a worker that does not stop when the other one fails is ended', async () => {
  const path = databasePath();
  setWorkerUrls({ wal: workerThat(RUNS_ON), apply: workerThat(FAILS) });
  await expectCode(openSmall(path), 'ERR_MANIFOLD_WORKER');
  await expectNothingLeft(path);
});
