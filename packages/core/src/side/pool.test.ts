import { describe, expect, it } from 'vitest';
import { ManifoldError, SimulatedDisk, errnoError } from '@manifold-db/storage';
import { SidePool } from './pool.js';
import { errorOf, runTask } from './tasks.js';

const NOWHERE = { target: '/nowhere' };

describe('SidePool', () => {
  it('passes errors of files on as they are', async () => {
    const pool = new SidePool(1, { vfs: new SimulatedDisk().vfs() });
    const failing = pool.job(undefined, (job) => job.run('discardCopy', NOWHERE));
    await expect(failing).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('stops jobs with the reason of the signal, and runs what cleans up all the same', async () => {
    const disk = new SimulatedDisk();
    disk.vfs().makeDirectory('/t');
    disk.vfs().open('/t/data.manifold.tmp', 'create').close();
    const pool = new SidePool(1, { vfs: disk.vfs() });
    const controller = new AbortController();
    const reason = new Error('enough');
    const job = pool.job(controller.signal, async (own) => {
      controller.abort(reason);
      await expect(own.run('discardCopy', { target: '/t' })).rejects.toBe(reason);
      await expect(own.wait(Promise.resolve())).rejects.toBe(reason);
      expect(disk.vfs().list('/t')).toHaveLength(1);
      await own.runAnyway('discardCopy', { target: '/t' });
      own.throwIfStopped();
    });
    await expect(job).rejects.toBe(reason);
    expect(disk.vfs().list('/t')).toEqual([]);
    const late = pool.job(controller.signal, () => Promise.resolve());
    await expect(late).rejects.toBe(reason);
  });

  it('closes when its jobs have ended, and takes no more', async () => {
    const pool = new SidePool(1, { vfs: new SimulatedDisk().vfs() });
    const events: string[] = [];
    const job = pool.job(undefined, async (own) => {
      try {
        await own.wait(new Promise(() => {}));
      } finally {
        await new Promise((resolve) => setImmediate(resolve));
        events.push('cleaned up');
      }
    });
    const settled = Promise.allSettled([job]);
    await pool.close();
    events.push('closed');
    expect(await settled).toMatchObject([{ reason: { code: 'ERR_MANIFOLD_CLOSED' } }]);
    expect(events).toEqual(['cleaned up', 'closed']);
    const late = pool.job(undefined, () => Promise.resolve());
    await expect(late).rejects.toMatchObject({ code: 'ERR_MANIFOLD_CLOSED' });
    await pool.close();
  });
});

describe('runTask', () => {
  const stop = new Int32Array(new SharedArrayBuffer(4));

  it('turns errors into data and back', () => {
    const vfs = new SimulatedDisk().vfs();
    const outcome = runTask(vfs, { name: 'discardCopy', input: NOWHERE, stop });
    if (outcome.kind !== 'failed') throw new Error('it cannot succeed');
    expect(structuredClone(outcome.failure)).toEqual(outcome.failure);
    const again = errorOf(outcome.failure) as NodeJS.ErrnoException;
    expect(again.code).toBe('ENOENT');
    expect(again.message).toBe(errnoError('ENOENT', again.syscall!, '/nowhere').message);
    const corrupt = errorOf({
      code: 'ERR_MANIFOLD_CORRUPT',
      errno: undefined,
      systemCall: undefined,
      message: 'broken',
      path: '/x',
      offset: 7,
    });
    expect(corrupt).toBeInstanceOf(ManifoldError);
    expect(corrupt).toMatchObject({ message: 'broken', path: '/x', offset: 7 });
  });

  it('does nothing once it is stopped, and throws bugs', () => {
    const vfs = new SimulatedDisk().vfs();
    const stopped = new Int32Array(new SharedArrayBuffer(4)).fill(1);
    const request = { name: 'discardCopy', input: NOWHERE, stop: stopped } as const;
    expect(runTask(vfs, request)).toEqual({ kind: 'stopped' });
    const bug = { ...request, stop, input: undefined as never };
    expect(() => runTask(vfs, bug)).toThrow(TypeError);
  });
});
