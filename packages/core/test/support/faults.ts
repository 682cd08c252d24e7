/**
 * A simulated engine over a disk that fails on purpose. Every rule has a gate of its own, closed at
 * first, so that a scenario decides when the fault begins and when it ends.
 */
import { SimulatedDisk, createFaultVfs, type FaultRule } from '@manifold-db/storage';
import type { OpenOptions } from '@manifold-db/core';
import { openSimulation, type SimulatedHost, type Simulation } from './simulator.js';

export interface FaultySimulation extends Simulation {
  /** The rule (by index) begins to count and to fail. */
  switchOn(rule?: number): void;
  switchOff(rule?: number): void;
}

export async function openFaulty(
  rules: readonly FaultRule[],
  options: OpenOptions = {},
  setting: { disk?: SimulatedDisk; withLock?: boolean; seed?: number } = {},
): Promise<FaultySimulation> {
  const disk = setting.disk ?? new SimulatedDisk();
  const gates = rules.map(() => new Int32Array(new SharedArrayBuffer(4)));
  const gated = rules.map((rule, i) => ({ ...rule, gate: gates[i]!.buffer as SharedArrayBuffer }));
  const vfs = createFaultVfs(disk.vfs(), gated, (path) => disk.failSync(path, () => false));
  const withLock = setting.withLock === true;
  const simulation = await openSimulation(disk, setting.seed ?? 1, options, { vfs, withLock });
  return {
    ...simulation,
    switchOn: (rule = 0) => Atomics.store(gates[rule]!, 0, 1),
    switchOff: (rule = 0) => Atomics.store(gates[rule]!, 0, 0),
  };
}

/** What became of a promise: its value, or the error with a `code`. */
export interface Outcome<T> {
  readonly value?: T;
  readonly code?: string;
  readonly error?: Error;
}

export function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: Error & { code?: string }) => ({ error, code: error.code ?? error.name }),
  );
}

/** Runs the simulation until the call, made now, is settled. */
export function settle<T>(host: SimulatedHost, call: () => Promise<T>): Promise<Outcome<T>> {
  return host.run(outcomeOf(Promise.resolve().then(call)));
}

/** What a call that reads throws: its code, or 'nothing'. */
export function thrownCode(read: () => unknown): string {
  try {
    read();
    return 'nothing';
  } catch (error) {
    const { code, name } = error as Error & { code?: string };
    return code ?? name;
  }
}

/** Gives the other loops `steps` steps, whatever they have to do, and main a turn now and then. */
export async function runSteps(host: SimulatedHost, steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    host.stepOne();
    if (i % 8 === 0) host.pollMain();
    if (i % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
