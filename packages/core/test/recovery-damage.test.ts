/**
 * Damage found at open. Below the watermark of the log lie acknowledged commits: damage there is
 * ERR_MANIFOLD_CORRUPT with file and offset, and not one byte is rewritten, so that whoever repairs
 * the file loses nothing. Above it lies an unfinished tail, which is cut and counted. Files that
 * are missing, cut short, zeroed, of another version or of another database are refused with typed
 * errors; bytes behind the end of the data file are what a crash may leave, and count for nothing.
 */
import {
  META_PAGE_COUNT,
  PAGE_HEADER_BYTES,
  SEGMENT_DATA_OFFSET,
  SimulatedDisk,
  sealPage,
  type Vfs,
} from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import {
  DATA_PATH,
  fingerprint,
  logFiles,
  overwrite,
  pathOf,
  readBytes,
  remove,
  truncate,
} from './support/files.js';
import { readState, type ModelState } from './support/history.js';
import { READ_ONLY, openSimulation, type Simulation } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261130);
const CHECKPOINTED = 8;
const COMMITS = 20;
const PAGE_BYTES = 4096;
/** Behind the magic (8 bytes) of a meta page. */
const FORMAT_VERSION_OFFSET = PAGE_HEADER_BYTES + 8;
const FEATURES_OFFSET = FORMAT_VERSION_OFFSET + 4;

interface Base {
  readonly disk: SimulatedDisk;
  readonly state: ModelState;
  /** Bytes of the first segment that hold blocks. */
  readonly logEnd: number;
}

async function commitSome({ database, host }: Simulation, from: number, to: number) {
  for (let i = from; i <= to; i++) {
    const value = `value-${i}`.padEnd(50 + i * 20, '.');
    await host.run(database.columnFamily(i % 3 === 0 ? 'other' : 'default').put(`key-${i}`, value));
  }
}

/** A killed database: some commits in the checkpoint, more in the log, all acknowledged. */
async function killedDatabase(seed = SEED): Promise<Base> {
  const simulation = await openSimulation(new SimulatedDisk(), seed);
  await commitSome(simulation, 1, CHECKPOINTED);
  await simulation.host.run(simulation.database.checkpoint());
  await commitSome(simulation, CHECKPOINTED + 1, COMMITS);
  // The idle log writes its witness block.
  for (let i = 0; i < 300; i++) simulation.host.stepOne();
  const state = readState(simulation.database);
  const disk = simulation.disk.snapshot();
  const log = readBytes(disk.vfs(), pathOf(logFiles(disk)[0]!));
  let logEnd = log.length;
  while (log[logEnd - 1] === 0) logEnd--;
  return { disk, state, logEnd };
}

/** Counts the files that are open. */
function countingVfs(base: Vfs): { vfs: Vfs; openCount: () => number } {
  let count = 0;
  const open: Vfs['open'] = (path, mode) => {
    const file = base.open(path, mode);
    count++;
    let isOpen = true;
    const close = () => {
      if (isOpen) count--;
      isOpen = false;
      file.close();
    };
    return { ...file, close };
  };
  return { vfs: { ...base, open }, openCount: () => count };
}

/** Opens it in both ways; both fail alike, the files stay as they are, none is left open. */
async function refusal(disk: SimulatedDisk): Promise<Error & { code?: string; path?: string }> {
  const before = fingerprint(disk);
  const errors: Error[] = [];
  for (const options of [READ_ONLY, { createIfMissing: true }]) {
    const { vfs, openCount } = countingVfs(disk.vfs());
    const opening = openSimulation(disk, SEED, options, { vfs });
    errors.push(
      await opening.then(
        () => new Error('it opens'),
        (error: Error) => error,
      ),
    );
    expect(fingerprint(disk)).toEqual(before);
    expect(openCount(), 'files left open').toBe(0);
  }
  expect(errors[1]).toMatchObject({ message: errors[0]!.message });
  return errors[0]!;
}

async function expectWhole(disk: SimulatedDisk, state: ModelState): Promise<void> {
  const { database, host } = await openSimulation(disk, SEED);
  expect(readState(database)).toEqual(state);
  await host.run(database.put('more', 'value'));
  await host.run(database.close());
}

describe('damage below the watermark of the log', () => {
  it('is refused with its place, wherever it is, and nothing is rewritten', async () => {
    const { disk, logEnd, state } = await killedDatabase();
    const name = pathOf(logFiles(disk)[0]!);
    let refused = 0;
    const step = Math.ceil(logEnd / 90);
    for (let offset = 0; offset < logEnd; offset += step) {
      const hurt = disk.snapshot();
      hurt.flipBit(name, offset, offset % 8);
      const before = fingerprint(hurt);
      const outcome = await openSimulation(hurt, SEED, READ_ONLY).catch((error: Error) => error);
      if (outcome instanceof Error) {
        refused++;
        expect(await refusal(hurt)).toMatchObject({ code: 'ERR_MANIFOLD_CORRUPT', path: name });
        expect((outcome as { offset?: number }).offset).toBeLessThanOrEqual(offset);
      } else {
        // In what the checkpoint covers, or in the last witness itself: nothing is missing.
        expect(readState(outcome.database)).toEqual(state);
        expect(fingerprint(hurt)).toEqual(before);
      }
    }
    expect(refused).toBeGreaterThan(40);
  });

  it('is refused as well when a whole stretch is zero', async () => {
    const { disk, logEnd } = await killedDatabase();
    const name = pathOf(logFiles(disk)[0]!);
    const middle = SEGMENT_DATA_OFFSET + Math.floor((logEnd - SEGMENT_DATA_OFFSET) * 0.7);
    overwrite(disk, name, new Uint8Array(300), middle);
    expect(await refusal(disk)).toMatchObject({ code: 'ERR_MANIFOLD_CORRUPT', path: name });
  });
});

describe('a torn tail', () => {
  it('is cut, counted, and stays cut', async () => {
    const simulation = await openSimulation(new SimulatedDisk(), SEED);
    const { database, host, disk } = simulation;
    await commitSome(simulation, 1, 5);
    const left: SimulatedDisk[] = [];
    disk.onOperation = (_index, description) => {
      // Everything written, nothing synced: the group that is under way.
      if (/dataSync .*wal-/.test(description)) left.push(disk.snapshot());
    };
    const pending = [6, 7, 8].map((i) => database.put(`key-${i}`, `value-${i}`.padEnd(700)));
    await host.run(Promise.all(pending));
    const torn = left[0]!;
    const name = pathOf(logFiles(torn)[0]!);
    const log = readBytes(torn.vfs(), name);
    // The last byte that was written: in the last record of the group.
    let last = log.length - 1;
    while (log[last] === 0) last--;
    torn.flipBit(name, last, 3);

    const first = await openSimulation(torn, SEED);
    expect(first.database.lastCommitted).toBe(5);
    const { recovery } = first.database.stats();
    expect(recovery.bytesCut).toBeGreaterThan(700);
    expect(recovery.clean).toBe(false);
    expect(recovery.cutAt?.path).toBe(name);
    expect(recovery.cutAt?.offset).toBeLessThan(last);
    await first.host.run(first.database.put('key-6', 'another'));
    const second = await openSimulation(torn.crash({ keep: 'none' }), SEED, READ_ONLY);
    expect(second.database.lastCommitted).toBe(6);
    expect(second.database.get('key-6')).toBe('another');
    expect(second.database.get('key-7')).toBeUndefined();
    expect(second.database.stats().recovery).toMatchObject({ bytesCut: 0, cutAt: undefined });
  });
});

const FILES: Record<string, { hurt: (disk: SimulatedDisk) => void | Promise<void>; code: string }> =
  {
    'a missing log': {
      hurt: (disk) => logFiles(disk).forEach((name) => remove(disk, pathOf(name))),
      code: 'ERR_MANIFOLD_CORRUPT',
    },
    'a missing data file': {
      hurt: (disk) => remove(disk, DATA_PATH),
      code: 'ERR_MANIFOLD_CORRUPT',
    },
    'an empty data file': {
      hurt: (disk) => truncate(disk, DATA_PATH, 0),
      code: 'ERR_MANIFOLD_CORRUPT',
    },
    'a data file cut short': {
      hurt: (disk) => {
        truncate(disk, DATA_PATH, 3 * PAGE_BYTES);
      },
      code: 'ERR_MANIFOLD_CORRUPT',
    },
    'a zeroed data file': {
      hurt: (disk) => {
        const { length } = readBytes(disk.vfs(), DATA_PATH);
        overwrite(disk, DATA_PATH, new Uint8Array(length));
      },
      code: 'ERR_MANIFOLD_CORRUPT',
    },
    'a log cut short': {
      hurt: (disk) => truncate(disk, pathOf(logFiles(disk)[0]!), 8192),
      code: 'ERR_MANIFOLD_CORRUPT',
    },
    'a log made longer': {
      hurt: (disk) => {
        const name = pathOf(logFiles(disk)[0]!);
        truncate(disk, name, readBytes(disk.vfs(), name).length + PAGE_BYTES);
      },
      code: 'ERR_MANIFOLD_CORRUPT',
    },
    'a zeroed log': {
      hurt: (disk) => {
        const name = pathOf(logFiles(disk)[0]!);
        overwrite(disk, name, new Uint8Array(readBytes(disk.vfs(), name).length));
      },
      code: 'ERR_MANIFOLD_CORRUPT',
    },
    'another format version': {
      hurt: (disk) => changeMetas(disk, FORMAT_VERSION_OFFSET),
      code: 'ERR_MANIFOLD_FORMAT',
    },
    'an unknown feature bit': {
      hurt: (disk) => changeMetas(disk, FEATURES_OFFSET),
      code: 'ERR_MANIFOLD_FORMAT',
    },
    'a segment of another database': {
      hurt: async (disk) => {
        const { disk: other } = await killedDatabase(SEED + 1);
        const bytes = readBytes(other.vfs(), pathOf(logFiles(other)[0]!));
        overwrite(disk, pathOf(logFiles(disk)[0]!), bytes);
      },
      code: 'ERR_MANIFOLD_CORRUPT',
    },
  };

/** Raises the byte at `offset` in both meta pages, checksums in order. */
function changeMetas(disk: SimulatedDisk, offset: number): void {
  const bytes = readBytes(disk.vfs(), DATA_PATH);
  for (let slot = 0; slot < META_PAGE_COUNT; slot++) {
    const page = Uint8Array.from(bytes.subarray(slot * PAGE_BYTES, (slot + 1) * PAGE_BYTES));
    page[offset]! += 1;
    sealPage(page, slot);
    overwrite(disk, DATA_PATH, page, slot * PAGE_BYTES);
  }
}

describe('files that are not as they were', () => {
  it.each(Object.keys(FILES))('%s', async (name) => {
    const { disk } = await killedDatabase();
    const { hurt, code } = FILES[name]!;
    await hurt(disk);
    expect(await refusal(disk)).toMatchObject({ code });
  });

  it('bytes behind the end of the data file count for nothing', async () => {
    const { disk, state } = await killedDatabase();
    const { length } = readBytes(disk.vfs(), DATA_PATH);
    overwrite(disk, DATA_PATH, new Uint8Array(3 * PAGE_BYTES + 77).fill(0xa5), length);
    await expectWhole(disk, state);
  });

  it('one damaged meta page: the other leads to the same commits, as long as its log is there', async () => {
    const { disk, state } = await killedDatabase();
    for (let slot = 0; slot < META_PAGE_COUNT; slot++) {
      const hurt = disk.snapshot();
      overwrite(hurt, DATA_PATH, new Uint8Array(PAGE_BYTES).fill(0x11), slot * PAGE_BYTES);
      await expectWhole(hurt, state);
    }
  });

  it('segments that are only prepared may be missing or damaged', async () => {
    const { disk, state } = await killedDatabase();
    const spare = logFiles(disk).slice(1);
    expect(spare.length).toBeGreaterThan(0);
    for (const name of spare) remove(disk, pathOf(name));
    await expectWhole(disk, state);
  });
});
