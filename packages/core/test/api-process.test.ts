/**
 * What a program feels of the database besides its data: how long it stays alive, how it ends, and
 * what happens to errors that nobody looks at.
 */
import { expect, it } from 'vitest';
import { runProgram } from './support/api-child.js';
import { databasePath, openSmall } from './support/api-database.js';

const OPEN = `
  import { open } from '@manifold-db/core';
  const db = await open(process.argv[1]);
  process.on('exit', (code) => console.log('exit ' + code));
`;
/** The same on a disk whose log syncs take long. */
const OPEN_SLOW = `
  import { openWith } from '@manifold-db/core/internal';
  const vfsSpec = { kind: 'slow', addedSyncLatencyUs: 200_000 };
  const db = await openWith(process.argv[1], {}, { vfsSpec });
  process.on('exit', (code) => console.log('exit ' + code));
`;

async function run(source: string, path = databasePath()): Promise<string[]> {
  const { code, signal, stdout, stderr } = await runProgram(source, [path]);
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return stdout.trim().split('\n');
}

it('await db.put() keeps the program alive; after close() it ends by itself', async () => {
  const path = databasePath();
  const source = `${OPEN_SLOW}
    const { sequence } = await db.put('a', '1');
    console.log('put ' + sequence);
    await db.close();
    console.log('closed');
  `;
  expect(await run(source, path)).toEqual(['put 1', 'closed', 'exit 0']);
  expect((await openSmall(path)).get('a')).toBe('1');
});

it('await db.waitForSync(), waitForApply() and checkpoint() keep it alive', async () => {
  const source = `${OPEN_SLOW}
    await db.put('a', '1', { durability: 'none' });
    await db.waitForSync();
    console.log('synced ' + db.lastSynced);
    db.put('a', '2', { durability: 'none' });
    await db.waitForApply();
    console.log('applied ' + db.lastApplied);
    await db.checkpoint();
    console.log('checkpointed ' + db.stats().sequences.checkpointed);
    await db.close();
  `;
  expect(await run(source)).toEqual(['synced 1', 'applied 2', 'checkpointed 2', 'exit 0']);
});

it('without close() it ends as soon as nothing is pending, and keeps what was acknowledged', async () => {
  const path = databasePath();
  const source = `${OPEN_SLOW}
    db.put('a', '1').then(({ sequence }) => console.log('put ' + sequence));
    db.put('b', '2', { durability: 'async' });
  `;
  expect(await run(source, path)).toEqual(['put 1', 'exit 0']);
  const db = await openSmall(path);
  expect(db.getMany(['a', 'b'])).toEqual(['1', '2']);
});

it('an open database without work, or with aborted waits, does not hold the program', async () => {
  expect(await run(OPEN)).toEqual(['exit 0']);
  const aborted = `${OPEN}
    const controller = new AbortController();
    const wait = db.waitForSync(100, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 10);
    await wait.catch((error) => console.log(error.message));
    await db.put('a', '1');
    console.log('put');
  `;
  expect(await run(aborted)).toEqual(['enough', 'put', 'exit 0']);
  const last = aborted.replace("await db.put('a', '1');", '');
  expect(await run(last)).toEqual(['enough', 'put', 'exit 0']);
});

it('a read-only database does not hold the program either', async () => {
  const path = databasePath();
  await (await openSmall(path)).close();
  const source = `
    import { open } from '@manifold-db/core';
    const db = await open(process.argv[1], { readOnly: true });
    console.log(db.count());
  `;
  expect(await run(source, path)).toEqual(['0']);
});

it('a failed commit that nobody awaits is one unhandled rejection, an awaited one none', async () => {
  const source = `${OPEN}
    process.on('unhandledRejection', (error) => console.log('unhandled ' + error.code));
    await db.put('a', '1');
    db.put('a', '2', { ifAbsent: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
    db.write((tx) => { throw Object.assign(new Error('mine'), { code: 'MINE' }); });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await db.put('a', '2', { ifAbsent: true }).catch((error) => console.log('caught ' + error.code));
    await db.transaction(async (tx) => { throw new Error('x'); }).catch(() => console.log('caught'));
    try { db.put(3, 'x'); } catch (error) { console.log(error.name); }
    const wait = db.waitForSync(100);
    wait.catch((error) => console.log('wait ' + error.code));
    await db.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
  `;
  expect(await run(source)).toEqual([
    'unhandled ERR_MANIFOLD_CONFLICT',
    'unhandled MINE',
    'caught ERR_MANIFOLD_CONFLICT',
    'caught',
    'TypeError',
    'wait ERR_MANIFOLD_CLOSED',
    'exit 0',
  ]);
});

it('a failed log sync: each commit rejects once, nothing hangs, the program can end', async () => {
  const source = `
    import { openWith } from '@manifold-db/core/internal';
    const gate = new SharedArrayBuffer(4);
    const rules = [{ operation: 'dataSync', pathIncludes: 'wal-0', errno: 'EIO', gate }];
    const db = await openWith(process.argv[1], {}, { vfsSpec: { kind: 'fault', rules } });
    process.on('unhandledRejection', (error) => console.log('unhandled ' + error.code));
    await db.put('a', '1');
    Atomics.store(new Int32Array(gate), 0, 1);
    db.put('b', '2');
    // The sync may have failed before this call or after it.
    const either = ['ERR_MANIFOLD_INDETERMINATE', 'ERR_MANIFOLD_POISONED'];
    await db.put('c', '3').catch((error) => console.log('either', either.includes(error.code)));
    await db.put('d', '4').catch((error) => console.log('caught ' + error.code));
    console.log(db.get('a'), db.get('b'), db.stats().failure.code);
    await db.close().catch((error) => console.log('close ' + error.code));
  `;
  expect((await run(source)).sort()).toEqual([
    '1 undefined ERR_MANIFOLD_POISONED',
    'caught ERR_MANIFOLD_POISONED',
    'close ERR_MANIFOLD_POISONED',
    'either true',
    'unhandled ERR_MANIFOLD_INDETERMINATE',
  ]);
});

it('process.exit() right after an acknowledged put loses nothing that was acknowledged', async () => {
  const path = databasePath();
  for (const durability of ['immediate', 'async']) {
    const source = `${OPEN}
      const durability = '${durability}';
      for (let at = 0; at < 50; at++) db.put(durability + at, 'x'.repeat(5000), { durability });
      await db.put(durability, 'last', { durability });
      process.exit();
    `;
    expect(await run(source, path)).toEqual(['exit 0']);
    const db = await openSmall(path);
    expect(db.get(durability)).toBe('last');
    expect(db.count({ prefix: durability })).toBe(51);
    await db.close();
  }
});

/** No event of a worker's death arrives while a call blocks the thread. */
it.each(['fsync', 'apply'])(
  'a call that blocks ends with an error when the %s worker dies meanwhile',
  { skip: process.platform !== 'linux' },
  async (worker) => {
    const source = `
      const workers = [];
      process.on('worker', (worker) => workers.push(worker));
      const { open } = await import('@manifold-db/core');
      const db = await open(process.argv[1], { writeBufferBytes: 1 << 20 });
      await db.put('a', '1');
      void workers[${worker === 'fsync' ? 0 : 1}].terminate();
      try {
        // The fsync worker is missed at once, the apply worker when the buffers are full.
        const value = 'x'.repeat(100_000);
        const family = db.columnFamily('default');
        for (;;) db.writeSync((tx) => tx.put(family, 'b', value));
      } catch (error) {
        console.log(error.code, /stopped/.test(error.message));
      }
      console.log(db.get('a'));
      await db.close().catch((error) => console.log(error.code));
    `;
    const lines = await run(source);
    expect(lines[0]).toMatch(/^ERR_MANIFOLD_(INDETERMINATE|POISONED) true$/);
    expect(lines.slice(1)).toEqual(['1', 'ERR_MANIFOLD_POISONED']);
  },
);
