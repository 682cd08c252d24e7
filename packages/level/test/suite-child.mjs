/**
 * The test suite that abstract-level ships, on databases in temporary directories. Prints TAP. A
 * process of its own, started by the test beside it.
 *
 * usage: node suite-child.mjs <mode> [--new-threads]
 *   --new-threads   every database starts threads of its own, as in production; takes minutes
 */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManifoldLevel } from '@manifold-db/level';
import suite from 'abstract-level/test/index.js';
import test from 'tape';
import { keepThreads } from './support/kept-threads.mjs';

const [mode, threads] = process.argv.slice(2);
if (threads !== '--new-threads') keepThreads();

const MIB = 1024 * 1024;

/** Small files and little memory: the suite opens more than a thousand databases. */
const SMALL = {
  cacheBytes: 2 * MIB,
  walRingBytes: MIB,
  walSegmentBytes: 3 * MIB,
  walBytesMax: 12 * MIB,
  writeBufferBytes: MIB,
  writeBufferCount: 2,
};

/** Files in memory, where there is room: databases preallocate logs, thousands of MiB in all. */
const MEMORY = '/dev/shm';
const MEMORY_BYTES_MIN = 1024 * MIB;

function hasRoom(directory) {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= MEMORY_BYTES_MIN;
  } catch {
    return false;
  }
}

const root = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), 'manifold-level-suite-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));

/**
 * The options are below those of the tests, which look at all that they find there. The second half
 * of the suite runs on sublevels, and closes those: their databases would stay open to the end.
 */
class SmallLevel extends ManifoldLevel {
  first;

  _open(options) {
    return super._open({ ...SMALL, mode, ...options });
  }

  _sublevel(...args) {
    const sublevel = super._sublevel(...args);
    this.first ??= sublevel;
    return sublevel;
  }

  get isDone() {
    return (this.first ?? this).status === 'closed';
  }
}

/** The last so many databases may be opened again by the test that made them. */
const KEPT_DATABASES = 8;
let made = [];

async function remove(db) {
  // Refused by those whose hook failed while they were opened: they are closed for good.
  await db.close().catch(() => {});
  rmSync(db.location, { recursive: true, force: true });
}

function removeOld() {
  const old = made.slice(0, -KEPT_DATABASES).filter((db) => db.isDone);
  made = made.filter((db) => !old.includes(db));
  for (const db of old) void remove(db);
}

let databases = 0;

suite({
  test,
  factory(options) {
    removeOld();
    databases += 1;
    const db = new SmallLevel(join(root, String(databases)), options);
    made.push(db);
    return db;
  },
});
