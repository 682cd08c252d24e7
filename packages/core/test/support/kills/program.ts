/**
 * The process that is killed. It opens a database, commits numbered commits of all durabilities and
 * families, and writes a line per event with one system call each, so that an acknowledgement is
 * out before anything else happens. When only a worker dies it does everything that a program can
 * do then, and opens the database again in the same process.
 */
import type { OpenOptions } from '@manifold-db/core';
import type { KillPoint } from '@manifold-db/storage';
import { buildCommit, contentOf, numberedCommit, startCommit } from '../numbered-commits.js';

/** One opening of the database. */
export interface Life {
  /** Stands in every value that is committed in it. */
  readonly tag: string;
  readonly options: OpenOptions;
  /** Commits before the database is closed. */
  readonly commits: number;
  /** Where the process or one of its workers dies. */
  readonly point?: KillPoint;
  /** Ends a worker after so many acknowledgements; 0: while it starts. */
  readonly terminate?: Termination;
  /** Ends the process with `process.exit` after so many acknowledgements. */
  readonly exitAfter?: number;
  /** Reads every page and the log before the end. */
  readonly verify?: boolean;
}

export interface Termination {
  readonly worker: 'wal' | 'apply';
  readonly after: number;
  readonly delayMs: number;
}

/** Room for a worker's own data, and little more: a full heap is a matter of milliseconds. */
const WORKER_HEAP_MIB = 32;

/**
 * Lines
 *   opening                         right before it opens
 *   opened SEQUENCE DIGEST          what it found
 *   unopened CODE                   instead, when a worker dies while it starts
 *   acknowledged NUMBER DURABILITY
 *   refused CODE                    of a commit
 *   dead TEXT                       of the failure; then what still works:
 *   pending NAME CODE               of a call that was or is made while the database fails
 *   read SEQUENCE DIGEST            of the default reads
 *   snapshot EXPECTED FOUND         digests of a snapshot taken before
 *   verified PROBLEM                or nothing
 *   closed CODE                     or done
 *   ended NAME CODE                 of a call that the close ended
 *   finished                        the whole program
 */
export const KILL_PROGRAM = `
  import { createHash } from 'node:crypto';
  import { writeSync } from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  import threads from 'node:worker_threads';

  /** Workers with small heaps; and the test knows them. */
  const workers = [];
  let current;
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(url, options) {
      const resourceLimits = { maxOldGenerationSizeMb: ${WORKER_HEAP_MIB} };
      super(url, { ...options, resourceLimits });
      workers.push(this);
      const { terminate } = current;
      if (terminate?.after !== 0 || !options.name.includes(terminate.worker)) return;
      setTimeout(() => void this.terminate(), terminate.delayMs);
    }
  };
  syncBuiltinESMExports();
  const { ManifoldError } = await import('@manifold-db/core');
  const { openWith } = await import('@manifold-db/core/internal');

  ${numberedCommit.toString()}
  ${buildCommit.toString()}
  ${startCommit.toString()}
  ${contentOf.toString()}
  const IN_FLIGHT = 8;
  const CHECKPOINT_EVERY = 60;
  const DURABILITIES = ['immediate', 'immediate', 'async', 'immediate', 'none'];
  /** Every so many commits one blocks the thread until it is synced. */
  const BLOCKING_EVERY = 13;
  const NEVER = Number.MAX_SAFE_INTEGER;
  const [path, text] = process.argv.slice(1);
  const say = (...words) => writeSync(1, words.join(' ') + '\\n');
  const digestOf = (reader) =>
    createHash('sha1').update(contentOf(reader).join('\\n')).digest('hex');
  const codeOf = (error) =>
    error instanceof ManifoldError ? error.code : JSON.stringify(String(error?.stack ?? error));
  const ending = (promise) => promise.then(() => 'done', codeOf);
  const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

  function startOne(db, life, number, durability) {
    const commit = numberedCommit(number, life.tag);
    if (number % BLOCKING_EVERY !== 5 || commit.dropped !== undefined) {
      return startCommit(db, commit, { durability });
    }
    try {
      db.writeSync((tx) => buildCommit(db, commit, tx), { durability });
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Until so many commits are acknowledged or one fails. */
  async function commitAll(db, life, onAcknowledged) {
    const pending = [];
    let hasFailed = false;
    const first = db.lastCommitted + 1;
    for (let number = first; number < first + life.commits && !hasFailed; number++) {
      const durability = DURABILITIES[number % DURABILITIES.length];
      const taken = () => {
        say('acknowledged', number, durability);
        onAcknowledged();
      };
      const refused = (error) => {
        hasFailed = true;
        say('refused', codeOf(error));
      };
      pending.push(startOne(db, life, number, durability).then(taken, refused));
      if (pending.length >= IN_FLIGHT) await pending.shift();
      if (number % CHECKPOINT_EVERY === 0) void db.checkpoint().catch(() => {});
    }
    await Promise.all(pending);
    if (!hasFailed && life.commits > 0) await db.checkpoint().catch(() => {});
  }

  /** After a failure: nothing more is taken, reads go on and show what is durable. */
  async function afterDeath(db, snapshot) {
    say('dead', JSON.stringify(db.stats().failure.message));
    say('pending', 'put', await ending(db.put('later', 'value')));
    const family = db.columnFamily('default');
    const body = async (tx) => tx.put(family, 'later', 'value');
    say('pending', 'transaction', await ending(db.transaction(body)));
    say('pending', 'checkpoint', await ending(db.checkpoint()));
    let sequence, digest;
    do {
      sequence = db.lastSynced;
      digest = digestOf(db);
    } while (sequence !== db.lastSynced);
    say('read', sequence, digest);
    if (snapshot === undefined) return;
    say('snapshot', snapshot.digest, digestOf(snapshot.reader));
    snapshot.taken.close();
  }

  /** Reads of a snapshot, as \`contentOf\` calls them. */
  function snapshotOf(db) {
    const taken = db.snapshot();
    const columnFamily = (name) => {
      const family = db.columnFamily(name);
      return { entries: () => family.entries({ snapshot: taken }) };
    };
    const names = db.columnFamilies();
    const reader = { columnFamilies: () => names, columnFamily };
    return { taken, reader, digest: digestOf(reader) };
  }

  async function live(life) {
    workers.length = 0;
    current = life;
    const { point, terminate } = life;
    const environment = point === undefined ? {} : { vfsSpec: { kind: 'kill', point } };
    say('opening');
    // A worker may die while it starts: then the opening fails, and the next one is like any.
    const [db, refusal] = await openWith(path, life.options, environment).then(
      (opened) => [opened],
      (error) => [undefined, codeOf(error)],
    );
    if (db === undefined) {
      say('unopened', refusal);
      return;
    }
    say('opened', db.lastCommitted, digestOf(db));
    const waits = ['waitForSync', 'waitForApply'].map((name) => [name, ending(db[name](NEVER))]);
    const mayDie = terminate !== undefined || (point !== undefined && point.how !== 'kill');
    let snapshot;
    let acknowledged = 0;
    await commitAll(db, life, () => {
      acknowledged++;
      if (acknowledged === life.exitAfter) process.exit();
      if (acknowledged === 1 && mayDie) snapshot = snapshotOf(db);
      if (acknowledged !== terminate?.after) return;
      void workers[terminate.worker === 'wal' ? 0 : 1].terminate();
    });
    while (terminate !== undefined && db.stats().failure === undefined) await turn();
    if (db.stats().failure !== undefined) await afterDeath(db, snapshot);
    else snapshot?.taken.close();
    if (life.verify) {
      const { ok, problems } = await db.verify();
      say('verified', ok ? '' : problems[0].message);
    }
    // A worker may die under the close, too.
    const closed = await ending(db.close());
    say('closed', closed);
    for (const [name, ended] of waits) {
      say(closed === 'done' ? 'ended' : 'pending', name, await ended);
    }
  }

  for (const life of JSON.parse(text)) await live(life);
  say('finished');
`;
