import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ManifoldError } from '../errors.js';
import { createRealVfs } from '../vfs/real.js';
import { SimulatedDisk } from '../vfs/simulated.js';
import type { Vfs } from '../vfs/vfs.js';
import { readLockFile } from './acquire.js';
import { decodeLockFile, encodeLockFile, holderOf, judgeHolder } from './lock-file.js';
import { acquireLock, isLockOwned, type DatabaseLock } from './lock.js';
import { readProcessFacts, type ProcessFacts } from './process-facts.js';

const NONCE = '0123456789abcdef0123456789abcdef';

function facts(changes: Partial<ProcessFacts> = {}): ProcessFacts {
  return {
    pid: 100,
    pidNamespace: 'pid:[1]',
    bootId: 'boot-1',
    startTime: '5000',
    host: 'box',
    isAlive: () => true,
    startTimeOf: () => '5000',
    ...changes,
  };
}

function errorOf(action: () => unknown): ManifoldError {
  try {
    action();
  } catch (error) {
    if (error instanceof ManifoldError) return error;
    throw error;
  }
  throw new Error('the action did not fail');
}

function simulated(): { disk: SimulatedDisk; vfs: Vfs } {
  const disk = new SimulatedDisk();
  const vfs = disk.vfs();
  vfs.makeDirectory('/db');
  vfs.syncDirectory('/');
  return { disk, vfs };
}

/** A lock whose process died: the file stays, the registry of its process is gone. */
function abandonedLock(holder: ProcessFacts): SimulatedDisk {
  const { disk, vfs } = simulated();
  acquireLock(vfs, '/db', { facts: holder });
  return disk.crash({ keep: 'all' });
}

describe('lock file', () => {
  it('keeps its bytes', () => {
    const text = Buffer.from(encodeLockFile(holderOf(facts(), NONCE))).toString();
    expect(text).toBe(
      `{"version":1,"nonce":"${NONCE}","pid":100,"pidNamespace":"pid:[1]","bootId":"boot-1",` +
        '"startTime":"5000","host":"box"}\n',
    );
    expect(decodeLockFile(Buffer.from(text))).toEqual(holderOf(facts(), NONCE));
  });

  it('is unfinished when anything of it is missing or wrong', () => {
    const whole = encodeLockFile(holderOf(facts(), NONCE));
    for (let bytes = 0; bytes < whole.length; bytes += 1) {
      expect(decodeLockFile(whole.subarray(0, bytes))).toBeUndefined();
    }
    for (const fields of [{ pid: 0 }, { pid: -5 }, { pid: 1.5 }, { nonce: '../x' }, { host: 1 }]) {
      const text = `${JSON.stringify({ version: 1, ...holderOf(facts(), NONCE), ...fields })}\n`;
      expect(decodeLockFile(Buffer.from(text))).toBeUndefined();
    }
    for (const text of ['\n', 'null\n', '[]\n', '{}\n', '{"version":2}\n', '\0\0\0\n']) {
      expect(decodeLockFile(Buffer.from(text))).toBeUndefined();
    }
  });
});

describe('judgement of a holder', () => {
  const holder = holderOf(facts(), NONCE);
  const unknown = { bootId: undefined, startTime: undefined, startTimeOf: () => undefined };

  it('follows what is known', () => {
    expect(judgeHolder(holder, facts())).toBe('held');
    expect(judgeHolder(holder, facts({ bootId: 'boot-2' }))).toBe('stale');
    expect(judgeHolder(holder, facts({ isAlive: () => false }))).toBe('stale');
    expect(judgeHolder(holder, facts({ startTimeOf: () => '6000' }))).toBe('stale');
    expect(judgeHolder(holder, facts({ startTimeOf: () => undefined }))).toBe('held');
    const elsewhere = facts({ pidNamespace: 'pid:[2]', isAlive: () => false });
    expect(judgeHolder(holder, elsewhere)).toBe('foreign');
    expect(judgeHolder(holder, facts({ pidNamespace: 'pid:[2]', bootId: 'b' }))).toBe('stale');
  });

  it('is careful where there is no boot id', () => {
    const plain = holderOf(facts({ ...unknown, pidNamespace: undefined }), NONCE);
    const here = facts({ ...unknown, pidNamespace: undefined });
    expect(judgeHolder(plain, here)).toBe('held');
    expect(judgeHolder(plain, { ...here, isAlive: () => false })).toBe('stale');
    expect(judgeHolder(plain, { ...here, host: 'other', isAlive: () => false })).toBe('foreign');
  });
});

describe('facts about processes', () => {
  it('tell the living from the dead', () => {
    const own = readProcessFacts();
    expect(own.pid).toBe(process.pid);
    expect(own.isAlive(process.pid)).toBe(true);
    expect(own.startTimeOf(process.pid)).toBe(own.startTime);
    const child = spawnSync(process.execPath, ['-e', '']);
    expect(own.isAlive(child.pid)).toBe(false);
    expect(judgeHolder(holderOf(own, NONCE), own)).toBe('held');
  });

  it.runIf(process.platform === 'linux')('are all known on Linux', () => {
    const { pidNamespace, bootId, startTime } = readProcessFacts();
    expect(pidNamespace).toMatch(/^pid:\[\d+\]$/);
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(startTime).toMatch(/^\d+$/);
  });
});

describe('lock of a directory', () => {
  it('refuses a second open in the same process, also through a link', () => {
    const directory = mkdtempSync(join(tmpdir(), 'manifold-lock-'));
    const vfs = createRealVfs();
    try {
      const link = join(directory, 'link');
      const database = join(directory, 'db');
      vfs.makeDirectory(database);
      symlinkSync(database, link);
      const lock = acquireLock(vfs, database);
      const error = errorOf(() => acquireLock(vfs, link));
      expect(error.code).toBe('ERR_MANIFOLD_LOCKED');
      expect(error.message).toContain(`process ${process.pid}`);
      expect(error.message).toContain(database);
      expect(vfs.list(database)).toEqual(['LOCK']);
      lock.release();
      lock.release();
      expect(vfs.list(database)).toEqual([]);
      acquireLock(vfs, link).release();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('names the holder in another process', () => {
    const disk = abandonedLock(facts({ pid: 4711 }));
    const error = errorOf(() => acquireLock(disk.vfs(), '/db', { facts: facts() }));
    expect(error.code).toBe('ERR_MANIFOLD_LOCKED');
    expect(error.message).toContain('process 4711 on host box');
    const other = facts({ pidNamespace: 'pid:[2]' });
    const foreign = errorOf(() => acquireLock(disk.vfs(), '/db', { facts: other }));
    expect(foreign.message).toContain('cannot be checked');
    expect(disk.vfs().list('/db')).toEqual(['LOCK']);
  });

  it('is taken over from a dead process, and leaves nothing behind', () => {
    const disk = abandonedLock(facts());
    const vfs = disk.vfs();
    const lock = acquireLock(vfs, '/db', { facts: facts({ pid: 200, isAlive: () => false }) });
    expect(vfs.list('/db')).toEqual(['LOCK']);
    expect(isLockOwned(vfs, '/db', lock.nonce)).toBe(true);
    lock.release();
    expect(vfs.list('/db')).toEqual([]);
  });

  it('is taken over after a power loss, whatever is left of the file', () => {
    const { disk, vfs } = simulated();
    const states = new Map<string, SimulatedDisk>();
    const keep = (state: SimulatedDisk): void => {
      const bytes = readLockFile(state.vfs(), '/db/LOCK');
      states.set(bytes === undefined ? 'absent' : `${bytes.length} bytes`, state);
    };
    disk.onOperation = () => {
      keep(disk.crash({ keep: 'none' }));
      keep(disk.crash({ keep: 'all' }));
      disk.pendingWrites().forEach(({ index }) => keep(disk.crash({ keepOnly: index })));
    };
    acquireLock(vfs, '/db', { facts: facts() });
    expect([...states.keys()].sort()).toEqual(['0 bytes', '142 bytes', 'absent']);
    for (const state of states.values()) {
      const next = facts({ bootId: 'boot-2' });
      const lock = acquireLock(state.vfs(), '/db', { facts: next });
      expect(lock.stillOwned()).toBe(true);
      expect(state.vfs().list('/db')).toEqual(['LOCK']);
      lock.release();
    }
  });

  it('is lost when somebody replaces or removes the file, and then not removed', () => {
    const { vfs } = simulated();
    const lock: DatabaseLock = acquireLock(vfs, '/db', { facts: facts() });
    expect(lock.stillOwned()).toBe(true);
    vfs.remove('/db/LOCK');
    expect(lock.stillOwned()).toBe(false);
    const file = vfs.open('/db/LOCK', 'create');
    file.write([encodeLockFile(holderOf(facts(), NONCE))], 0);
    expect(lock.stillOwned()).toBe(false);
    lock.release();
    expect(vfs.list('/db')).toEqual(['LOCK']);
    expect(isLockOwned(vfs, '/db', NONCE)).toBe(true);
  });

  it('passes errors of the file system on and forgets the attempt', () => {
    const { vfs } = simulated();
    const readOnly: Vfs = {
      ...vfs,
      open: (path, mode) => {
        if (mode !== 'read') throw Object.assign(new Error('EROFS'), { code: 'EROFS' });
        return vfs.open(path, mode);
      },
    };
    expect(() => acquireLock(readOnly, '/db', { facts: facts() })).toThrow('EROFS');
    acquireLock(vfs, '/db', { facts: facts() }).release();
  });
});
