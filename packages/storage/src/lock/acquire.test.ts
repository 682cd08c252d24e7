/**
 * Several processes take one lock, step by step under a schedule. The allowed outcome is always the
 * same: at most one of those that live on believes to be the owner, LOCK names it, and as long as
 * nobody died, somebody is the owner.
 */
import { describe, expect, it } from 'vitest';
import type { ManifoldError } from '../errors.js';
import { SimulatedDisk } from '../vfs/simulated.js';
import type { Vfs } from '../vfs/vfs.js';
import { acquireSteps, isHeldBy, readLockFile, type LockStep } from './acquire.js';
import { decodeLockFile, encodeLockFile, holderOf, type LockHolder } from './lock-file.js';
import type { ProcessFacts } from './process-facts.js';

const DEAD_PID = 50;
const FIRST_PID = 101;

function nonceOf(pid: number): string {
  return String(pid).padStart(32, '0');
}

/** Enough for a taker to wait for an unfinished file and to replace it. */
const STEPS_TO_OUTWAIT = 50;

type State = 'running' | 'owner' | 'refused' | 'dead';

interface Taker {
  readonly pid: number;
  readonly steps: Generator<LockStep, LockHolder, undefined>;
  state: State;
}

/** A machine with some takers, one directory and one clock. */
class Machine {
  readonly vfs: Vfs = new SimulatedDisk().vfs();
  readonly takers: Taker[] = [];
  readonly #dead = new Set([DEAD_PID]);
  #now = 0;

  constructor(takerCount: number) {
    this.vfs.makeDirectory('/db');
    for (let index = 0; index < takerCount; index += 1) this.add(FIRST_PID + index);
  }

  add(pid: number): Taker {
    const facts = this.facts(pid);
    const now = (): number => this.#now;
    const context = { vfs: this.vfs, directory: '/db', facts, nonce: nonceOf(pid), now };
    const taker: Taker = { pid, steps: acquireSteps(context), state: 'running' };
    this.takers.push(taker);
    return taker;
  }

  facts(pid: number): ProcessFacts {
    return {
      pid,
      pidNamespace: 'pid:[1]',
      bootId: 'boot',
      startTime: '1',
      host: 'box',
      isAlive: (other) => !this.#dead.has(other),
      startTimeOf: () => '1',
    };
  }

  leaveLock(content: 'dead' | 'empty'): void {
    const file = this.vfs.open('/db/LOCK', 'create');
    const holder = holderOf(this.facts(DEAD_PID), nonceOf(DEAD_PID));
    if (content === 'dead') file.write([encodeLockFile(holder)], 0);
    file.close();
  }

  step(taker: Taker): void {
    if (taker.state !== 'running') return;
    try {
      const result = taker.steps.next();
      if (result.done === true) taker.state = 'owner';
      else this.#now += result.value.waitMs;
    } catch (error) {
      expect((error as ManifoldError).code).toBe('ERR_MANIFOLD_LOCKED');
      taker.state = 'refused';
    }
  }

  run(taker: Taker, steps = Infinity): void {
    for (let step = 0; step < steps && taker.state === 'running'; step += 1) this.step(taker);
  }

  kill(taker: Taker): void {
    taker.state = 'dead';
    this.#dead.add(taker.pid);
  }

  /** Time passes while nobody runs. */
  pause(ms: number): void {
    this.#now += ms;
  }

  owners(): Taker[] {
    return this.takers.filter(({ state }) => state === 'owner');
  }

  expectOneOwner(): void {
    const owners = this.owners();
    expect(owners.map(({ pid }) => pid)).toHaveLength(1);
    expect(isHeldBy(this.vfs, '/db/LOCK', nonceOf(owners[0].pid))).toBe(true);
    for (const name of this.vfs.list('/db')) {
      if (name === 'LOCK') continue;
      // Only who died may leave something behind, and an unfinished file only who died late.
      const bytes = readLockFile(this.vfs, `/db/${name}`);
      const holder = bytes === undefined ? undefined : decodeLockFile(bytes);
      expect(holder === undefined ? this.#dead.size > 1 : this.#dead.has(holder.pid)).toBe(true);
    }
  }
}

/** How many steps one taker needs when it is alone. */
function stepsAlone(prepare: (machine: Machine) => void): number {
  const machine = new Machine(1);
  prepare(machine);
  let steps = 0;
  while (machine.takers[0].state === 'running') {
    machine.step(machine.takers[0]);
    steps += 1;
  }
  machine.expectOneOwner();
  return steps;
}

const situations: [name: string, prepare: (machine: Machine) => void][] = [
  ['no lock', () => {}],
  ['the lock of a dead process', (machine) => machine.leaveLock('dead')],
  ['an empty lock file', (machine) => machine.leaveLock('empty')],
];

describe.each(situations)('two takers of %s', (_name, prepare) => {
  it('with up to three switches between them: one wins', () => {
    const alone = stepsAlone(prepare);
    const secondMax = alone + STEPS_TO_OUTWAIT;
    const stride = alone < 20 ? 1 : 9;
    let runs = 0;
    for (let first = 0; first <= alone; first += 1) {
      for (let second = 0; second <= secondMax; second += stride) {
        for (const third of [1, 3, 6, Infinity]) {
          const machine = new Machine(2);
          prepare(machine);
          const [one, two] = machine.takers;
          machine.run(one, first);
          machine.run(two, second);
          machine.run(one, third);
          machine.run(two);
          machine.run(one);
          machine.expectOneOwner();
          runs += 1;
        }
      }
    }
    expect(runs).toBeGreaterThan(100);
  });

  it('that stop for seconds anywhere: never two win', () => {
    const alone = stepsAlone(prepare);
    for (let first = 0; first <= alone; first += 1) {
      for (let second = 1; second <= alone + 8; second += 3) {
        const machine = new Machine(2);
        prepare(machine);
        const [one, two] = machine.takers;
        machine.run(one, first);
        machine.pause(1500);
        machine.run(two, second);
        machine.pause(1500);
        machine.run(one, 4);
        machine.run(two, 2);
        machine.run(one);
        machine.run(two);
        expect(machine.owners().length).toBeLessThanOrEqual(1);
        for (const { pid } of machine.owners()) {
          expect(isHeldBy(machine.vfs, '/db/LOCK', nonceOf(pid))).toBe(true);
        }
      }
    }
  });

  it('of which the first dies at any step: the second wins, or the third after it', () => {
    const alone = stepsAlone(prepare);
    for (let first = 0; first < alone; first += 1) {
      for (const second of [0, 2, 5, 9, 14, 20]) {
        const machine = new Machine(3);
        prepare(machine);
        const [one, two, three] = machine.takers;
        machine.run(one, first);
        machine.run(two, second);
        if (one.state === 'running') machine.kill(one);
        machine.run(two);
        if (two.state === 'refused') machine.run(three);
        machine.expectOneOwner();
      }
    }
  });
});

describe('a crowd of takers', () => {
  it.each(situations)('of %s, in random order, with deaths', (_name, prepare) => {
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 400; round += 1) {
      const machine = new Machine(4);
      prepare(machine);
      const deaths = round % 3;
      for (let step = 0; machine.takers.some(({ state }) => state === 'running'); step += 1) {
        expect(step).toBeLessThan(100_000);
        const taker = machine.takers[random(4)];
        const victims = machine.takers.filter(({ state }) => state === 'dead').length;
        if (victims < deaths && taker.state === 'running' && random(20) === 0) machine.kill(taker);
        machine.run(taker, 1 + random(6));
      }
      if (machine.owners().length === 0) {
        // Everybody was refused by somebody who died later: the next one must succeed.
        machine.run(machine.add(999));
      }
      machine.expectOneOwner();
    }
  });
});
