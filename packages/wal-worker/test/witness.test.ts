/**
 * The witness: when idle, one WATERMARK block says that the newest group is durable, so that damage
 * to it is told from a torn tail. And the end of the loop at an orderly shutdown.
 */
import { describe, expect, it } from 'vitest';
import { BlockKind, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN, SHUTDOWN_NOW } from '@manifold-db/storage';
import { DIRECTORY, Harness, readBlocks } from './harness.js';

describe('watermark witness', () => {
  it('is written once, without a sync', () => {
    const harness = new Harness();
    harness.append(40);
    expect(harness.settle()).toEqual(['worked', 'worked', 'worked', 'idle']);
    expect(harness.settle()).toEqual(['idle']);
    expect(harness.loop.hasWork()).toBe(false);
    const blocks = harness.blocks(1);
    expect(blocks.map((block) => block.kind)).toEqual([BlockKind.DATA, BlockKind.WATERMARK]);
    expect(blocks[1]).toMatchObject({ syncedWatermark: 1, lastSequence: 1, payloadBytes: 0 });
    const durable = readBlocks(harness.disk.crash({ keep: 'none' }).vfs(), 1);
    expect(durable.map((block) => block.kind)).toEqual([BlockKind.DATA]);
  });

  it('gives way to a commit', () => {
    const harness = new Harness();
    harness.append(40);
    harness.loop.step();
    harness.loop.step();
    expect(harness.loop.hasWork()).toBe(true);
    harness.append(40);
    harness.loop.step();
    expect(harness.blocks(1).map((block) => block.kind)).toEqual([BlockKind.DATA, BlockKind.DATA]);
    // The newer block carries the older group's watermark.
    expect(harness.blocks(1)[1]!.syncedWatermark).toBe(1);
  });

  it('speaks for what recovery found', () => {
    const harness = new Harness({ sequence: 41 });
    expect(harness.settle()).toEqual(['worked', 'idle']);
    expect(harness.blocks(1)).toMatchObject([
      { kind: BlockKind.WATERMARK, syncedWatermark: 41, lastSequence: 41 },
    ]);
  });

  it('is not needed in an empty database', () => {
    const harness = new Harness();
    expect(harness.settle()).toEqual(['idle']);
    expect(harness.blocks(1)).toEqual([]);
  });
});

describe('shutdown', () => {
  it('drains: writes and syncs what was claimed, with a durable witness', () => {
    const harness = new Harness();
    harness.append(40);
    const late = harness.claim(40);
    harness.shared.progress[PROGRESS_SHUTDOWN] = SHUTDOWN_DRAIN;
    expect(harness.settle().at(-1)).toBe('idle');
    expect(harness.loop.hasWork()).toBe(false);
    harness.publish(late);
    expect(harness.loop.hasWork()).toBe(true);
    expect(harness.settle().at(-1)).toBe('stopped');
    expect(harness.synced).toBe(2);
    const durable = readBlocks(harness.disk.crash({ keep: 'none' }).vfs(), 1);
    expect(durable.at(-1)).toMatchObject({ kind: BlockKind.WATERMARK, syncedWatermark: 2 });
    expect(harness.loop.step()).toBe('stopped');
  });

  it('drains at once when nothing was written', () => {
    const harness = new Harness();
    harness.shared.progress[PROGRESS_SHUTDOWN] = SHUTDOWN_DRAIN;
    expect(harness.loop.hasWork()).toBe(true);
    expect(harness.settle()).toEqual(['stopped']);
  });

  it('stops between two steps when told to stop now', () => {
    const harness = new Harness();
    harness.append(40);
    harness.loop.step();
    harness.shared.progress[PROGRESS_SHUTDOWN] = SHUTDOWN_NOW;
    expect(harness.loop.hasWork()).toBe(true);
    expect(harness.settle()).toEqual(['stopped']);
    expect([harness.written, harness.synced]).toEqual([1, 0]);
    // The file is closed: the disk lets its name go and nothing keeps the bytes.
    expect(harness.vfs.exists(`${DIRECTORY}/wal-0000000001.log`)).toBe(true);
  });
});
