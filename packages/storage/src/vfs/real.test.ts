import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errnoOf } from '../errors.js';
import { createFaultVfs, type FaultRule } from './fault.js';
import { createRealVfs } from './real.js';
import { createVfs } from './spec.js';
import type { Vfs } from './vfs.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'manifold-vfs-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function errnoFrom(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return errnoOf(error);
  }
  return undefined;
}

function readAll(vfs: Vfs, path: string): Buffer {
  const file = vfs.open(path, 'read');
  const bytes = Buffer.alloc(file.size());
  expect(file.read(bytes, 0)).toBe(bytes.length);
  file.close();
  return bytes;
}

describe('real file system', () => {
  it('reads the file that was asked for, also when it is closed and another one opened', async () => {
    const vfs = createRealVfs();
    const write = (name: string, value: number): string => {
      const path = join(directory, name);
      const file = vfs.open(path, 'create');
      file.write([Buffer.alloc(64, value)], 0);
      file.close();
      return path;
    };
    const mine = write('mine', 1);
    const other = write('other', 2);
    const file = vfs.open(mine, 'read');
    // More than there are threads for it: the last ones begin when the file is long closed.
    const targets = Array.from({ length: 200 }, () => Buffer.alloc(64));
    const reads = targets.map((target) => file.readAsync!(target, 0));
    file.close();
    const others = Array.from({ length: 4 }, () => vfs.open(other, 'read'));
    expect(new Set(await Promise.all(reads))).toEqual(new Set([64]));
    expect(new Set(targets.map((target) => target[0]))).toEqual(new Set([1]));
    for (const another of others) another.close();
    expect(errnoFrom(() => file.size())).toBe('EBADF');
  });

  it.runIf(process.platform === 'linux')(
    'gives the descriptor back after the last read of a closed file',
    async () => {
      const vfs = createRealVfs();
      const path = join(directory, 'file');
      const countOpen = (): number => readdirSync('/proc/self/fd').length;
      const before = countOpen();
      const file = vfs.open(path, 'create');
      const reads = [1, 2, 3].map(() => file.readAsync!(Buffer.alloc(8), 0));
      file.close();
      await Promise.all(reads);
      expect(countOpen()).toBe(before);
    },
  );

  it('writes many parts one after another, shared memory included', () => {
    const vfs = createRealVfs();
    const path = join(directory, 'a');
    const file = vfs.open(path, 'create');
    const parts: Uint8Array[] = [];
    for (let index = 0; index < 2500; index += 1) {
      const part = new Uint8Array(new SharedArrayBuffer(16), 3, 1 + (index % 7));
      parts.push(part.fill(index & 0xff));
    }
    file.write(parts, 5);
    file.sync();
    file.dataSync();
    expect(file.size()).toBe(5 + Buffer.concat(parts).length);
    file.close();
    file.close();
    expect(readAll(vfs, path)).toEqual(Buffer.concat([Buffer.alloc(5), ...parts]));
    expect(errnoFrom(() => file.size())).toBe('EBADF');
  });

  it('reads into shared memory and stops at the end of the file', () => {
    const vfs = createRealVfs();
    const file = vfs.open(join(directory, 'a'), 'create');
    file.write([Buffer.from('abcdef')], 0);
    const target = new Uint8Array(new SharedArrayBuffer(8));
    expect(file.read(target, 2)).toBe(4);
    expect(Buffer.from(target).toString()).toBe('cdef\0\0\0\0');
    expect(file.read(target, 6)).toBe(0);
    file.truncate(8);
    expect(file.read(target, 2)).toBe(6);
    file.truncate(1);
    expect(file.size()).toBe(1);
    file.close();
  });

  it('opens by mode', () => {
    const vfs = createRealVfs();
    const path = join(directory, 'a');
    expect(errnoFrom(() => vfs.open(path, 'read'))).toBe('ENOENT');
    expect(errnoFrom(() => vfs.open(path, 'read-write'))).toBe('ENOENT');
    vfs.open(path, 'create-exclusive').close();
    expect(errnoFrom(() => vfs.open(path, 'create-exclusive'))).toBe('EEXIST');
    const file = vfs.open(path, 'read');
    expect(errnoFrom(() => file.write([new Uint8Array(1)], 0))).toBe('EBADF');
    file.close();
  });

  it('lists, renames, removes, syncs directories and knows identities', () => {
    const vfs = createRealVfs();
    const inner = join(directory, 'x', 'y');
    vfs.makeDirectory(inner);
    vfs.makeDirectory(inner);
    vfs.open(join(inner, 'b'), 'create').close();
    vfs.open(join(inner, 'a'), 'create').close();
    expect(vfs.list(inner)).toEqual(['a', 'b']);
    vfs.rename(join(inner, 'a'), join(inner, 'b'));
    vfs.syncDirectory(inner);
    expect(vfs.list(inner)).toEqual(['b']);
    symlinkSync(inner, join(directory, 'link'));
    expect(vfs.identity(join(directory, 'link'))).toBe(vfs.identity(inner));
    expect(vfs.identity(inner)).toMatch(/^\d+:\d+$/);
    vfs.remove(join(inner, 'b'));
    expect(vfs.exists(join(inner, 'b'))).toBe(false);
    expect(vfs.identity(join(inner, 'b'))).toBeUndefined();
  });
});

describe('slow file system', () => {
  it('delays and counts log syncs only', () => {
    const syncCounter = new SharedArrayBuffer(4);
    const vfs = createVfs({ kind: 'slow', addedSyncLatencyUs: 300, syncCounter });
    const log = vfs.open(join(directory, 'wal-0000000001.log'), 'create');
    const data = vfs.open(join(directory, 'data.manifold'), 'create');
    log.write([Buffer.from('abc')], 0);
    log.dataSync();
    log.sync();
    data.sync();
    expect(new Int32Array(syncCounter)[0]).toBe(2);
    expect(log.size()).toBe(3);
    log.close();
    data.close();
  });
});

describe('fault-injecting file system', () => {
  function faulty(...rules: FaultRule[]): Vfs {
    return createVfs({ kind: 'fault', rules });
  }

  it('fails the calls that a rule names, so many times', () => {
    const vfs = faulty({
      operation: 'dataSync',
      pathIncludes: 'log',
      afterCalls: 1,
      times: 2,
      errno: 'EIO',
    });
    const log = vfs.open(join(directory, 'a.log'), 'create');
    const data = vfs.open(join(directory, 'data'), 'create');
    log.dataSync();
    data.dataSync();
    expect(errnoFrom(() => log.dataSync())).toBe('EIO');
    expect(errnoFrom(() => log.dataSync())).toBe('EIO');
    log.dataSync();
    log.sync();
    log.close();
    data.close();
  });

  it('writes a part before it fails', () => {
    const vfs = faulty({ operation: 'write', errno: 'ENOSPC', partialBytes: 5, times: 1 });
    const path = join(directory, 'a');
    const file = vfs.open(path, 'create');
    const parts = [Buffer.from('abc'), Buffer.from('def'), Buffer.from('ghi')];
    expect(errnoFrom(() => file.write(parts, 0))).toBe('ENOSPC');
    expect(readAll(vfs, path).toString()).toBe('abcde');
    file.write(parts, 0);
    expect(readAll(vfs, path).toString()).toBe('abcdefghi');
    file.close();
  });

  it('is switched by a gate', () => {
    const gate = new SharedArrayBuffer(4);
    const vfs = faulty({ operation: 'open', errno: 'EACCES', gate });
    const path = join(directory, 'a');
    vfs.open(path, 'create').close();
    Atomics.store(new Int32Array(gate), 0, 1);
    expect(errnoFrom(() => vfs.open(path, 'read'))).toBe('EACCES');
    Atomics.store(new Int32Array(gate), 0, 0);
    vfs.open(path, 'read').close();
  });

  it('reaches names and directories', () => {
    const operations = ['rename', 'remove', 'syncDirectory'] as const;
    const rules = operations.map((operation): FaultRule => ({ operation, errno: 'EROFS' }));
    const vfs = createFaultVfs(createRealVfs(), rules);
    const path = join(directory, 'a');
    vfs.open(path, 'create').close();
    expect(errnoFrom(() => vfs.rename(path, `${path}2`))).toBe('EROFS');
    expect(errnoFrom(() => vfs.remove(path))).toBe('EROFS');
    expect(errnoFrom(() => vfs.syncDirectory(directory))).toBe('EROFS');
    expect(vfs.list(directory)).toEqual(['a']);
  });
});
