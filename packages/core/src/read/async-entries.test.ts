/** The asynchronous face of a walk. */
import { MIB } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { bufferValues, utf8Keys, utf8Values, valueEncodingOf } from '../encoding/index.js';
import { createEntries } from './entries.js';
import { TestTree } from './test-tree.js';

const texts = { key: utf8Keys, value: utf8Values };
const rows = Array.from({ length: 3000 }, (_, i) => [String(10000 + i), `v${i}`] as const);

function filled(): TestTree {
  const tree = new TestTree();
  tree.putAll(texts, rows);
  return tree;
}

function entriesOf(tree: TestTree) {
  return createEntries<string, string, [string, string]>(
    ...([tree, texts, undefined, 'entries', tree.open] as const),
  );
}

describe('for await', () => {
  it('gives all entries and lets the event loop run between batches', async () => {
    const tree = filled();
    let turns = 0;
    let isRunning = true;
    const count = () => {
      turns++;
      if (isRunning) setImmediate(count);
    };
    setImmediate(count);
    const seen: [string, string][] = [];
    const before = tree.operations;
    for await (const entry of entriesOf(tree)) seen.push(entry);
    isRunning = false;
    expect(seen).toEqual(rows);
    expect(turns).toBeGreaterThanOrEqual(tree.operations - before - 1);
    expect(tree.releases).toBe(1);
  });

  it('shows the version of the moment it was made', async () => {
    const tree = filled();
    const walk = entriesOf(tree);
    let steps = 0;
    for await (const [key, value] of walk) {
      expect([key, value]).toEqual(rows[steps]);
      if (steps++ % 500 === 0)
        tree.putAll(
          texts,
          rows.map(([k]) => [k, `new ${steps}`] as const),
        );
    }
    expect(steps).toBe(rows.length);
  });

  it('is closed by break and by an exception', async () => {
    const tree = filled();
    for await (const [key] of entriesOf(tree)) if (key === '10020') break;
    expect(tree.releases).toBe(1);
    const loop = async () => {
      for await (const [key] of entriesOf(tree)) if (key === '10020') throw new Error('enough');
    };
    await expect(loop()).rejects.toThrow('enough');
    expect(tree.releases).toBe(2);
  });

  it('rejects when decoding fails and when the database is closed', async () => {
    const tree = filled();
    const codec = { key: utf8Keys, value: valueEncodingOf('json') };
    const walk = createEntries(tree, codec, undefined, 'values', tree.open);
    await expect(walk[Symbol.asyncIterator]().next()).rejects.toThrow(SyntaxError);
    expect(tree.releases).toBe(1);
    const other = entriesOf(tree)[Symbol.asyncIterator]();
    await other.next();
    tree.isClosed = true;
    await expect(other.next()).rejects.toMatchObject({ code: 'ERR_MANIFOLD_CLOSED' });
    expect(tree.releases).toBe(2);
  });

  it('keeps the order of steps that nobody waited for', async () => {
    const tree = filled();
    const walk = entriesOf(tree)[Symbol.asyncIterator]();
    expect(walk[Symbol.asyncIterator]()).toBe(walk);
    const steps = Array.from({ length: 700 }, () => walk.next());
    const ended = walk.return!();
    const after = walk.next();
    const results = await Promise.all(steps);
    expect(results.map((result) => result.value)).toEqual(rows.slice(0, 700));
    expect(await ended).toEqual({ value: undefined, done: true });
    expect(await after).toEqual({ value: undefined, done: true });
    expect(tree.releases).toBe(1);
    await expect(walk.throw!(new Error('late'))).rejects.toThrow('late');
  });

  it('reads cold pages asynchronously', async () => {
    const tree = new TestTree();
    const long = rows.map(([key], i) => [key, key.repeat(i % 100 === 0 ? 3000 : i % 90)] as const);
    tree.putAll(texts, long);
    // Everything fits; next to nothing fits.
    for (const cacheBytes of [16 * MIB, MIB]) {
      const cold = tree.coldCopy(cacheBytes);
      const seen: [string, string][] = [];
      for await (const entry of entriesOf(cold)) seen.push(entry);
      expect(seen).toEqual(long);
      expect(cold.file!.asyncReads).toBeGreaterThan(300);
      expect(cold.file!.reads).toBe(0);
      expect(cold.releases).toBe(1);
      const copies: unknown[] = [];
      const bytes = { key: utf8Keys, value: bufferValues };
      const other = tree.coldCopy(cacheBytes);
      for await (const value of createEntries(other, bytes, undefined, 'values', other.open)) {
        copies.push(value);
      }
      expect(copies.map(String)).toEqual(long.map(([, value]) => value));
      const again = tree.coldCopy(cacheBytes);
      expect([...entriesOf(again)]).toEqual(long);
      expect(again.file!.asyncReads).toBe(0);
    }
  });

  it('rejects with what a cold page is like, or with the reason for its absence', async () => {
    const cold = filled().coldCopy(MIB);
    cold.file!.readAsync = async () => 0;
    const walk = entriesOf(cold)[Symbol.asyncIterator]();
    await expect(walk.next()).rejects.toMatchObject({ code: 'ERR_MANIFOLD_CORRUPT' });
    expect(cold.releases).toBe(1);
    const closing = filled().coldCopy(MIB);
    closing.file!.readAsync = async () => {
      closing.isClosed = true;
      throw new Error('EBADF');
    };
    const other = entriesOf(closing)[Symbol.asyncIterator]();
    await expect(other.next()).rejects.toMatchObject({ code: 'ERR_MANIFOLD_CLOSED' });
    expect(closing.releases).toBe(1);
  });
});
