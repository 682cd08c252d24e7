/**
 * Random histories in one thread: commits, syncs, snapshots, single steps of the workers, power
 * losses. Every read sees the version it should, every crash leaves a checkpoint that was taken.
 */
import { describe, expect, it } from 'vitest';
import { LOG_PREPARED_SEGMENT, LOG_WRITING_SEGMENT, type TreeRoot } from '@manifold-db/storage';
import { Harness, withoutEmpty, type Changes, type Content } from './harness.js';

const FAMILIES = 4;
const LIVES = 3;
const ACTIONS = 220;

function randomFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % bound;
  };
}

function randomChanges(random: (bound: number) => number): Changes {
  const changes: Changes = {};
  const families = 1 + random(2);
  for (let i = 0; i < families; i++) {
    const entries: Record<string, string | undefined> = {};
    const count = random(12) === 0 ? 150 : random(8);
    const first = random(600);
    for (let k = 0; k < count; k++) {
      const key = `key${String(first + k).padStart(5, '0')}`;
      const bytes = random(60) === 0 ? 9_000 : random(300);
      entries[key] = random(5) === 0 ? undefined : 'x'.repeat(bytes) + random(1e6);
    }
    changes[random(FAMILIES)] = entries;
  }
  return changes;
}

interface Snapshot {
  row: number;
  roots: Map<number, TreeRoot>;
  content: Content;
}

class Life {
  readonly harness: Harness;
  readonly #random: (bound: number) => number;
  #synced: number;
  #snapshots: Snapshot[] = [];

  constructor(harness: Harness, random: (bound: number) => number) {
    this.harness = harness;
    this.#random = random;
    this.#synced = harness.appended;
    for (let slot = 0; slot < FAMILIES; slot++) {
      if (!(slot in harness.admittedContent())) harness.createFamily(slot, slot + 1, `f${slot}`);
    }
  }

  act(): void {
    const { harness } = this;
    switch (this.#random(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        harness.commit(randomChanges(this.#random));
        break;
      case 4:
        this.#synced += this.#random(harness.appended - this.#synced + 1);
        harness.sync(this.#synced);
        break;
      case 5:
        this.#takeSnapshot();
        break;
      case 6:
        this.#closeSnapshot();
        break;
      case 7:
        this.#checkPublished();
        break;
      case 8:
        harness.requestCheckpoint();
        break;
      case 9:
        if (harness.logWord(LOG_PREPARED_SEGMENT) > harness.logWord(LOG_WRITING_SEGMENT)) {
          harness.nextSegment();
        }
        break;
      default:
        for (let i = this.#random(12); i > 0; i--) {
          harness.loops[this.#random(harness.loops.length)]!.step();
        }
    }
    expect(harness.failure).toBeUndefined();
  }

  #takeSnapshot(): void {
    const { harness } = this;
    if (this.#snapshots.length > 5) return;
    const roots = new Map<number, TreeRoot>();
    for (let slot = 0; slot < FAMILIES; slot++) roots.set(slot, harness.admittedRoot(slot));
    const row = harness.pins.pin(harness.appended, harness.pager.birthMark());
    const content = withoutEmpty(harness.history.get(harness.appended));
    this.#snapshots.push({ row, roots, content });
  }

  #closeSnapshot(): void {
    const index = this.#random(this.#snapshots.length + 1);
    const [snapshot] = this.#snapshots.splice(index, 1);
    if (snapshot === undefined) return;
    const content: Content = {};
    for (const [slot, root] of snapshot.roots) content[slot] = this.harness.contentOf(root);
    expect(withoutEmpty(content)).toEqual(snapshot.content);
    this.harness.pins.unpin(snapshot.row);
  }

  #checkPublished(): void {
    const { sequence, content } = this.harness.publishedContent();
    expect(sequence).toBe(this.harness.applied);
    expect(withoutEmpty(content)).toEqual(withoutEmpty(this.harness.history.get(sequence)));
  }
}

describe('random histories', () => {
  it.each([1, 2, 3, 4, 5])('keep every promise (seed %i)', (seed) => {
    const random = randomFrom(seed * 7919);
    const sizes = { applyWorkers: 1 + (seed % 3), cacheBytes: 2 * 1024 * 1024 };
    const init = { dirtyShareMax: 0.15 };
    let life = new Life(new Harness({ sizes, init }), random);
    for (let run = 0; run < LIVES; run++) {
      for (let action = 0; action < ACTIONS; action++) life.act();
      const before = life.harness;
      const fraction = () => random(1_000) / 1_000;
      const disk = before.disk.crash({ random: fraction });
      const after = new Harness({ sizes, init, disk });
      const { sequence } = after.checkpoint.meta;
      expect(sequence).toBeGreaterThanOrEqual(before.checkpointed);
      expect(withoutEmpty(after.admittedContent())).toEqual(
        withoutEmpty(before.history.get(sequence)),
      );
      life = new Life(after, random);
    }
  });
});
