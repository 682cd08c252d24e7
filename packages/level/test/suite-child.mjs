/**
 * The test suite that abstract-level ships, on databases in temporary directories. Prints TAP. A
 * process of its own, started by the test beside it.
 *
 * usage: node suite-child.mjs <mode> [--new-threads]
 *   --new-threads   every database starts threads of its own, as in production; takes minutes
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManifoldLevel } from '@manifold-db/level';
import suite from 'abstract-level/test/index.js';
import test from 'tape';
import { keepThreads } from './support/kept-threads.mjs';

const [mode, threads] = process.argv.slice(2);
if (threads !== '--new-threads') keepThreads();

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

/** The options are below those of the tests, which look at all that they find there. */
class SmallLevel extends ManifoldLevel {
  _open(options) {
    return super._open({ ...SMALL, mode, ...options });
  }
}

let databases = 0;

suite({
  test,
  factory(options) {
    databases += 1;
    return new SmallLevel(join(root, String(databases)), options);
  },
});
