/**
 * A database that is being created when the power fails, or when the process is killed and the
 * power fails after the next process has written: whatever is left opens, and an acknowledged
 * commit in a brand-new directory, made together with the directories above it, is there
 * afterwards.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { READ_ONLY, openSimulation, randomFrom, type Simulation } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261124);
const PATH = '/deep/below/db';
const RANDOM_CRASHES = 2;

/** Every state that a power cut, or a kill, before some operation of the creation leaves behind. */
async function statesOfCreation(): Promise<{ disk: SimulatedDisk; place: string }[]> {
  const random = randomFrom(SEED);
  const disk = new SimulatedDisk();
  const states: { disk: SimulatedDisk; place: string }[] = [];
  disk.onOperation = (index, description) => {
    const place = `operation ${index}: ${description}`;
    states.push({ disk: disk.snapshot(), place: `${place}, killed` });
    states.push({ disk: disk.crash({ keep: 'none' }), place: `${place}, nothing unsynced left` });
    for (let i = 0; i < RANDOM_CRASHES; i++) {
      states.push({ disk: disk.crash({ random }), place: `${place}, some unsynced left` });
    }
  };
  await putFirst(disk);
  return states;
}

async function putFirst(disk: SimulatedDisk): Promise<Simulation> {
  const simulation = await openSimulation(disk, SEED, {}, { path: PATH });
  await simulation.host.run(simulation.database.put('first', 'value'));
  return simulation;
}

describe(`creating a database, seed ${SEED}`, () => {
  it('keeps an acknowledged commit, and the directories above it', async () => {
    const disk = new SimulatedDisk();
    await putFirst(disk);
    const left = disk.crash({ keep: 'none' });
    const { database } = await openSimulation(left, SEED, READ_ONLY, { path: PATH });
    expect(database.get('first')).toBe('value');
  });

  it('may be cut off anywhere: what is left opens, and keeps what is written then', async () => {
    const states = await statesOfCreation();
    expect(states.length).toBeGreaterThan(60);
    for (const { disk, place } of states) {
      const { database, host } = await openSimulation(disk, SEED, {}, { path: PATH });
      expect([undefined, 'value'], place).toContain(database.get('first'));
      await host.run(database.put('second', 'value'));
      const left = disk.crash({ keep: 'none' });
      const after = await openSimulation(left, SEED, READ_ONLY, { path: PATH });
      expect(after.database.get('second'), place).toBe('value');
    }
  });

  it('leaves nothing half made when the directory is new and the disk is full', async () => {
    const disk = new SimulatedDisk();
    const vfs = disk.vfs();
    const full = Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
    disk.onOperation = (_index, description) => {
      if (/^write .*wal-/.test(description)) throw full;
    };
    const opening = openSimulation(disk, SEED, {}, { path: PATH });
    await expect(opening).rejects.toMatchObject({ code: 'ERR_MANIFOLD_FULL' });
    disk.onOperation = undefined;
    const { database, host } = await openSimulation(disk, SEED, {}, { path: PATH, vfs });
    await host.run(database.put('first', 'value'));
    await host.run(database.close());
    const again = await openSimulation(disk, SEED, READ_ONLY, { path: PATH });
    expect(again.database.get('first')).toBe('value');
  });
});
