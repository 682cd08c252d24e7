/**
 * The test suite that abstract-level ships, on databases in temporary directories, in the mode that
 * the first argument names. Prints TAP. A process of its own, started by the test beside it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManifoldLevel } from '@manifold-db/level';
import suite from 'abstract-level/test/index.js';
import test from 'tape';

const [mode] = process.argv.slice(2);
const MIB = 1024 * 1024;

/** Small files and little memory: the suite opens more than a thousand databases. */
const SMALL = {
  cacheBytes: 2 * MIB,
  walRingBytes: MIB,
  walSegmentBytes: 3 * MIB,
  walBytesMax: 12 * MIB,
  writeBufferBytes: MIB,
  writeBufferCount: 2,
};

const root = mkdtempSync(join(tmpdir(), 'manifold-level-suite-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));

let databases = 0;

suite({
  test,
  factory(options) {
    databases += 1;
    return new ManifoldLevel(join(root, String(databases)), { ...SMALL, mode, ...options });
  },
});

test('the mode is the one that was asked for', async (t) => {
  t.ok(mode, 'named by the first argument');
  await t.doesNotReject?.(async () => {});
});
