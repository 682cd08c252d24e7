/**
 * A process that meets a limit of the kernel with real threads and real files. One line of JSON per
 * event goes to stdout. Arguments: task, directory, JSON of what the task needs.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { ManifoldError, open } from '@manifold-db/core';

const MIB = 1024 * 1024;
const COMMITS = 120;
const VALUE_BYTES = 60_000;
const CHECKPOINT_EVERY = 20;
const TRIES_MAX = 400;

const [task, path, text] = process.argv.slice(2);
const { mode, handlesBefore, handlesAfter, filler } = JSON.parse(text ?? '{}');
const options = {
  mode,
  cacheBytes: 4 * MIB,
  walRingBytes: MIB,
  walSegmentBytes: 3 * MIB,
  walBytesMax: 12 * MIB,
  writeBufferBytes: MIB,
};

function report(event) {
  writeSync(1, `${JSON.stringify(event)}\n`);
}

/** What a user can tell by: the code of a typed error, the whole text of any other. */
function codeOf(error) {
  return error instanceof ManifoldError ? error.code : `untyped ${error.stack}`;
}

/** Only so many more file descriptors than are open now. */
function allowHandles(more) {
  if (more === undefined) return;
  const used = readdirSync('/proc/self/fd').map(Number);
  const limit = Math.max(...used) + 1 + more;
  execFileSync('prlimit', [`--pid=${process.pid}`, `--nofile=${limit}:${limit}`]);
  // The lowest free number is taken first, so the gaps go before the new ones.
  const taken = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    for (const file of more === 0 ? [] : taken.slice(-more)) closeSync(file);
  }
}

/** Takes all the room that is left on the disk. */
function fillDisk() {
  const file = openSync(filler, 'w');
  try {
    for (let piece = Buffer.alloc(MIB, 1); piece.length > 0;) {
      try {
        if (writeSync(file, piece) < piece.length) throw new Error('short');
      } catch {
        piece = piece.subarray(0, piece.length >>> 1);
      }
    }
  } finally {
    closeSync(file);
  }
}

async function writeUntilRefused(db) {
  let acknowledged = 0;
  for (let i = 1; i <= COMMITS; i++) {
    try {
      await db.put(`key-${i}`, `${i}`.padEnd(VALUE_BYTES, 'x'));
      report({ acknowledged: i });
      acknowledged = i;
    } catch (error) {
      report({ put: codeOf(error) });
      break;
    }
    // Waits for room when there is none, so nobody waits for it.
    if (i % CHECKPOINT_EVERY === 0) db.checkpoint().catch((e) => report({ checkpoint: codeOf(e) }));
  }
  for (let i = 1; i <= acknowledged; i++) {
    try {
      if (db.get(`key-${i}`)?.startsWith(`${i}x`) !== true)
        report({ read: `key-${i} is not there` });
    } catch (error) {
      report({ read: codeOf(error) });
    }
  }
}

async function writeAgain(db) {
  if (filler !== undefined) rmSync(filler);
  for (let i = 0; i < TRIES_MAX; i++) {
    try {
      await db.put('again', 'value');
      report({ again: 'done' });
      return;
    } catch (error) {
      if (i === TRIES_MAX - 1 || codeOf(error) !== 'ERR_MANIFOLD_FULL') {
        report({ again: codeOf(error) });
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function write() {
  allowHandles(handlesBefore);
  const db = await open(path, options);
  report({ open: 'done' });
  allowHandles(handlesAfter);
  if (filler !== undefined) fillDisk();
  await writeUntilRefused(db);
  await writeAgain(db);
  await db.close();
  report({ close: 'done' });
}

/** Looks at what is left, without any limit. */
async function check() {
  const db = await open(path, options);
  const { ok, problems } = await db.verify();
  const numbers = Array.from(db.keys({ prefix: 'key-' }), (key) => Number(key.slice(4)));
  report({ verify: ok ? 'done' : problems[0].message, numbers: numbers.sort((a, b) => a - b) });
  await db.close();
}

async function readOnly() {
  for (const [name, more] of Object.entries({ writable: {}, readOnly: { readOnly: true } })) {
    try {
      const db = await open(path, { ...options, ...more });
      report({ [name]: db.get('key-1')?.length ?? 'nothing' });
      await db.close();
    } catch (error) {
      report({ [name]: codeOf(error) });
    }
  }
  await open(`${path}-new`, options).catch((error) => report({ create: codeOf(error) }));
}

const tasks = { write, check, readOnly };
await tasks[task]().catch((error) => report({ thrown: codeOf(error) }));
report({ end: true });
