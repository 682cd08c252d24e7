/**
 * The whole engine in one thread: main, fsync and apply steps in an order that a seed decides, on
 * a simulated disk. What blocks in production steps the other loops here.
 */
import { createApplyLoop } from '@manifold-db/apply-worker';
import {
  openWith,
  type Host,
  type OpenEnvironment,
  type HostTimer,
  type ManifoldDatabase,
} from '@manifold-db/core/internal';
import type { OpenOptions } from '@manifold-db/core';
import {
  PROGRESS_SHUTDOWN,
  PROGRESS_TEST_SWITCH,
  SHUTDOWN_NOW,
  type ApplyInit,
  type Shared,
  type SimulatedDisk,
  type Vfs,
  type WalInit,
} from '@manifold-db/storage';
import { createWalLoop } from '@manifold-db/wal-worker';
import { modeOfTest } from './modes.js';

/** A loop as the scheduler sees it. */
interface Loop {
  step(): 'worked' | 'idle' | 'stopped';
  /** Releases the files. */
  close?(): void;
}

/** Rounds without any progress after which the run is stuck: a lost wake-up or a deadlock. */
const IDLE_ROUNDS_MAX = 20_000;
const MS_PER_STEP = 0.05;
/** Turns that the promises of one poll get to run out. */
const MICROTASK_TURNS = 8;

/** Mulberry32, public domain: small, seeded, good enough to shuffle steps. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class SimulatedHost implements Host {
  readonly #vfs: Vfs;
  readonly #random: () => number;
  readonly #loops: Loop[] = [];
  #stopped = new Set<Loop>();
  #interest = 0;
  #wake: () => void = () => {};
  #clockMs = 0;
  #isAbandoned = false;
  readonly #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();
  /** Of the running database. */
  shared: Shared | undefined;
  steps = 0;

  constructor(vfs: Vfs, random: () => number) {
    this.#vfs = vfs;
    this.#random = random;
  }

  start(shared: Shared, wal: WalInit, apply: readonly ApplyInit[]): Promise<void> {
    this.shared = shared;
    const vfs = this.#vfs;
    const environment = { nowMs: () => this.now() };
    try {
      this.#loops.push(createWalLoop(wal, vfs, { wallClockMs: () => Math.floor(this.now()) }));
      for (const init of apply) this.#loops.push(createApplyLoop(init, vfs, environment));
    } catch (error) {
      // As when a worker dies before it is ready: the others stop.
      Atomics.store(shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_NOW);
      for (const loop of this.#loops) loop.step();
      return Promise.reject(error as Error);
    }
    return Promise.resolve();
  }

  /** The process is gone: nothing runs any more, nothing is written. */
  abandon(): void {
    this.#isAbandoned = true;
    for (const loop of this.#loops) loop.close?.();
    this.#stopped = new Set(this.#loops);
    this.#interest = 0;
  }

  /** Re-injects bugs of the original (TEST_SWITCH_*). */
  switchBugsOn(switches: number): void {
    Atomics.store(this.shared!.progress, PROGRESS_TEST_SWITCH, switches);
  }

  waitUntil(condition: () => boolean): void {
    for (let idle = 0; !condition();) {
      idle = this.stepOne() ? 0 : idle + 1;
      if (idle > IDLE_ROUNDS_MAX) throw new Error('the simulation is stuck in a blocking wait');
    }
  }

  watch(interest: number, _isDue: () => boolean, wake: () => void): void {
    this.#interest = interest;
    this.#wake = wake;
  }

  now(): number {
    return this.#clockMs;
  }

  startTimer(delayMs: number, callback: () => void): HostTimer {
    const timer = { dueMs: this.#clockMs + delayMs, callback };
    this.#timers.add(timer);
    return { stop: () => this.#timers.delete(timer) };
  }

  nextTurn(callback: () => void): void {
    setImmediate(() => {
      if (!this.#isAbandoned) callback();
    });
  }

  async stopped(): Promise<void> {
    for (let idle = 0; this.#stopped.size < this.#loops.length;) {
      idle = this.stepOne() ? 0 : idle + 1;
      if (idle > IDLE_ROUNDS_MAX) throw new Error('the simulation is stuck while closing');
      await Promise.resolve();
    }
  }

  /** One step of a loop that the seed picks; true when it did something. */
  stepOne(): boolean {
    this.steps++;
    this.#clockMs += MS_PER_STEP;
    const loop = this.#loops[Math.floor(this.#random() * this.#loops.length)];
    if (loop === undefined || this.#stopped.has(loop)) return false;
    const result = loop.step();
    if (result === 'stopped') this.#stopped.add(loop);
    return result === 'worked';
  }

  /** A turn of the main thread's event loop. */
  pollMain(): void {
    for (const timer of this.#timers) {
      if (timer.dueMs > this.#clockMs) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
    if (this.#interest !== 0) this.#wake();
  }

  /** Steps everything until the promise is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    const state = { isSettled: false };
    const mark = () => {
      state.isSettled = true;
    };
    promise.then(mark, mark);
    for (let idle = 0; ;) {
      for (let turn = 0; turn < MICROTASK_TURNS; turn++) await Promise.resolve();
      if (state.isSettled) return promise;
      const mainRuns = this.#random() < 0.3;
      if (mainRuns) this.pollMain();
      const worked = this.stepOne();
      idle = worked ? 0 : idle + 1;
      if (idle > IDLE_ROUNDS_MAX) throw new Error('the simulation is stuck');
      // Work that the engine put off to the next turn of the event loop.
      if (idle > 0 && idle % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

export interface Simulation {
  readonly disk: SimulatedDisk;
  readonly host: SimulatedHost;
  readonly database: ManifoldDatabase;
}

export const SIMULATED_PATH = '/db';

/** Small sizes, so that a few hundred commits fill segments and take checkpoints. */
export const SMALL: OpenOptions = {
  cacheBytes: 2 * 1024 * 1024,
  walRingBytes: 1024 * 1024,
  walSegmentBytes: 3 * 1024 * 1024,
  walBytesMax: 12 * 1024 * 1024,
  writeBufferBytes: 1024 * 1024,
  checkpointIntervalMs: 0,
};

export interface SimulationEnvironment {
  /** Stands in for the disk's own: a fault-injecting one around it, say. */
  readonly vfs?: Vfs;
  readonly path?: string;
  /** Takes the LOCK file; the lock file of a crash state would name this very process. */
  readonly withLock?: boolean;
  /** TEST_SWITCH_* bits, in force from the start of recovery. */
  readonly testSwitches?: number;
  /** In place of what the public options allow: for tests that open very many databases. */
  readonly sizes?: OpenEnvironment['sizes'];
  /** Where shared memory comes from (`shared-pool.ts`). */
  readonly allocate?: OpenEnvironment['allocate'];
}

export async function openSimulation(
  disk: SimulatedDisk,
  seed: number,
  options: OpenOptions = {},
  environment: SimulationEnvironment = {},
): Promise<Simulation> {
  const vfs = environment.vfs ?? disk.vfs();
  const host = new SimulatedHost(vfs, randomFrom(seed));
  const withoutLock = environment.withLock !== true;
  const path = environment.path ?? SIMULATED_PATH;
  const sizes = { ...SMALL, ...modeOfTest() };
  const testSwitches = environment.testSwitches ?? 0;
  const { allocate } = environment;
  const given = { vfs, host, withoutLock, testSwitches, allocate };
  const environmentOf =
    environment.sizes === undefined ? given : { ...given, sizes: environment.sizes };
  const opening = openWith(path, { ...sizes, ...options }, environmentOf);
  const database = await host.run(opening);
  return { disk, host, database };
}

/** For looking only: nothing on the disk changes. */
export const READ_ONLY: OpenOptions = { readOnly: true, createIfMissing: false };

/** The same for contents that a writer had to spill: here they have to fit into memory. */
export const READ_ONLY_LARGE: OpenOptions = { ...READ_ONLY, cacheBytes: 16 * 1024 * 1024 };
