/**
 * Makes worker threads that live on when their program has ended, and run the next one: starting
 * a thread takes several times as long as a test that opens a database, and the suite opens more
 * than a thousand. What runs in them is the worker's own file, whose last line calls `main`: it is
 * loaded once, and the call is made for every database anew. The thread that opens the database
 * gets what stands for a `Worker` here.
 *
 * Invariants
 * 1. A thread runs one program at a time, and goes back to the others only when that ended well.
 * 2. A thread that sleeps most of the time does not collect its garbage, which holds on to the
 *    memory that it shared with closed databases: so it is made to after each, and given up after
 *    some.
 */
import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const { Worker } = threads;

const THREAD = `
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const CALL = /^main\\(workerData\\);$/gm;
const programs = new Map();

async function load(url) {
  const code = readFileSync(new URL(url), 'utf8');
  const calls = code.match(CALL)?.length ?? 0;
  if (calls !== 1) throw new Error(url + ': one call of main is expected, not ' + calls);
  const text = code.replace(CALL, 'export { main };');
  return (await import('data:text/javascript,' + encodeURIComponent(text))).main;
}

function ended() {
  collect({ type: 'minor' });
  parentPort.postMessage('ended');
}

parentPort.on('message', async ({ url, workerData }) => {
  if (!programs.has(url)) programs.set(url, await load(url));
  programs.get(url)(workerData);
  setImmediate(ended);
});
`;
const THREAD_URL = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);

const RUNS_MAX = 40;

/** Threads that wait for a program. */
const waiting = [];

class Thread {
  #runs = 0;
  /** What stands for a Worker, while a program runs. */
  tenant;

  constructor(options) {
    this.worker = new Worker(THREAD_URL, options);
    this.worker.on('message', () => this.#ended());
    this.worker.on('error', (error) => this.tenant.emit('error', error));
    this.worker.on('exit', (code) => this.tenant?.emit('exit', code));
  }

  run(tenant, url, workerData) {
    this.#runs += 1;
    this.tenant = tenant;
    this.worker.ref();
    this.worker.postMessage({ url: url.href, workerData });
  }

  #ended() {
    const { tenant } = this;
    this.tenant = undefined;
    this.worker.unref();
    if (this.#runs < RUNS_MAX) waiting.push(this);
    else void this.worker.terminate();
    tenant.emit('exit', 0);
  }
}

class KeptWorker extends EventEmitter {
  #thread;

  constructor(url, { workerData, trackUnmanagedFds, execArgv }) {
    super();
    this.#thread = waiting.pop() ?? new Thread({ trackUnmanagedFds, execArgv });
    this.#thread.run(this, url, workerData);
  }

  ref() {
    if (this.#thread.tenant === this) this.#thread.worker.ref();
  }

  unref() {
    if (this.#thread.tenant === this) this.#thread.worker.unref();
  }

  terminate() {
    return this.#thread.worker.terminate();
  }
}

/** From here on, `new Worker` means a kept thread, in every module. */
export function keepThreads() {
  threads.Worker = KeptWorker;
  syncBuiltinESMExports();
}
