/**
 * Somebody else took the lock over: an operator removed the LOCK file, a second machine opened the
 * directory. Before the next meta page, and before the next log segment is made ready, the owner
 * notices that the nonce is not its own and poisons itself, so that it never writes over a
 * checkpoint of the other. The other's LOCK stays when the first one closes.
 */
import { LOCK_FILE_NAME, type SimulatedDisk } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { openFaulty, runSteps, settle } from './support/faults.js';

const LOCK = `/db/${LOCK_FILE_NAME}`;

function readText(disk: SimulatedDisk, path: string): string {
  const file = disk.vfs().open(path, 'read');
  const bytes = Buffer.alloc(file.size());
  file.read(bytes, 0);
  file.close();
  return bytes.toString();
}

/** The lock file as another owner writes it. */
function takeOver(disk: SimulatedDisk): string {
  const text = readText(disk, LOCK).replace(/"nonce":"[0-9a-f]+"/, `"nonce":"${'0'.repeat(32)}"`);
  const file = disk.vfs().open(LOCK, 'read-write');
  file.truncate(0);
  file.write([Buffer.from(text)], 0);
  file.close();
  return text;
}

/** Writes to either meta page from now on. */
function watchMetas(disk: SimulatedDisk): string[] {
  const writes: string[] = [];
  disk.onOperation = (_index, description) => {
    if (/^write \/db\/data\.manifold (0|4096)\+/.test(description)) writes.push(description);
  };
  return writes;
}

describe('a lock that somebody else took over', () => {
  for (const how of ['rewritten', 'removed'] as const) {
    it(`is noticed before the next meta page (${how})`, async () => {
      const { database, host, disk } = await openFaulty([], {}, { withLock: true });
      await host.run(database.put('key', 'value'));
      await host.run(database.checkpoint());
      await host.run(database.put('key', 'other'));
      await runSteps(host, 100);
      let foreign: string | undefined;
      if (how === 'rewritten') foreign = takeOver(disk);
      else disk.vfs().remove(LOCK);
      const metas = watchMetas(disk);
      const checkpoint = await settle(host, () => database.checkpoint());
      expect(checkpoint.code).toBe('ERR_MANIFOLD_POISONED');
      expect(metas).toEqual([]);
      expect(database.stats().failure?.message).toMatch(/lock/);
      const put = await settle(host, () => database.put('key', 'third'));
      expect(put.code).toBe('ERR_MANIFOLD_POISONED');
      expect(database.get('key')).toBe('other');
      expect((await settle(host, () => database.close())).code).toBe('ERR_MANIFOLD_POISONED');
      expect(metas).toEqual([]);
      const names = disk.vfs().list('/db');
      expect(names.includes(LOCK_FILE_NAME)).toBe(foreign !== undefined);
      if (foreign !== undefined) expect(readText(disk, LOCK)).toBe(foreign);
    });
  }

  it('is noticed before the next log segment', async () => {
    const { database, host, disk } = await openFaulty([], {}, { withLock: true });
    await host.run(database.put('key', 'value'));
    await runSteps(host, 200);
    takeOver(disk);
    let code: string | undefined;
    for (let i = 0; i < 60 && code === undefined; i++) {
      ({ code } = await settle(host, () => database.put('key', 'x'.repeat(300_000))));
    }
    expect(code).toMatch(/INDETERMINATE|POISONED/);
    expect(database.stats().failure?.message).toMatch(/lock/);
  });

  it('is given back by close, and the registry lets the directory be opened again', async () => {
    const { database, host, disk } = await openFaulty([], {}, { withLock: true });
    await host.run(database.put('key', 'value'));
    const second = openFaulty([], {}, { disk, withLock: true });
    await expect(second).rejects.toMatchObject({ code: 'ERR_MANIFOLD_LOCKED' });
    await host.run(database.close());
    expect(disk.vfs().exists(LOCK)).toBe(false);
    const again = await openFaulty([], {}, { disk, withLock: true });
    expect(again.database.get('key')).toBe('value');
    await again.host.run(again.database.close());
  });
});
