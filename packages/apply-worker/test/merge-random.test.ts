/**
 * Random histories of mode `buffered` in one thread: commits into generations, seals at any moment,
 * snapshots held across them, page diffs in between, checkpoints, single steps of the workers,
 * power losses. What is published is always a version that may be, whole; so is every checkpoint.
 */
import { describe, expect, it } from 'vitest';
import { MIB } from '@manifold-db/storage';
import { BufferedMain, type Operation, type TestSnapshot } from './buffered.js';

const LIVES = 3;
const ACTIONS = 260;
const SNAPSHOTS_MAX = 5;
const FAMILIES_MAX = 5;

type Random = (bound: number) => number;

function randomFrom(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % bound;
  };
}

class Life {
  readonly main: BufferedMain;
  readonly #random: Random;
  #synced: number;
  #open: TestSnapshot[] = [];
  snapshotsChecked = 0;

  constructor(main: BufferedMain, random: Random) {
    this.main = main;
    this.#random = random;
    this.#synced = main.appended;
  }

  act(): void {
    const { main } = this;
    const { harness } = main;
    const random = this.#random;
    switch (random(14)) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.#commit();
        break;
      case 4:
        this.#synced += random(main.appended - this.#synced + 1);
        harness.sync(this.#synced);
        break;
      case 5:
        if (this.#open.length < SNAPSHOTS_MAX) this.#open.push(main.takeSnapshot());
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
        if (!main.active.isEmpty && main.canSeal) main.seal();
        break;
      case 10:
        main.follow();
        break;
      case 11:
        if (random(6) === 0) this.#commitPages();
        break;
      default:
        for (let i = random(16); i > 0; i--) harness.loops[random(harness.loops.length)]!.step();
    }
    expect(harness.failure).toBeUndefined();
  }

  #commit(): void {
    const operations = this.#operations();
    if (!this.main.canCommit(operations)) {
      // The one place where the main thread would wait.
      this.#synced = this.main.appended;
      this.main.harness.sync();
      this.main.settle();
    }
    this.main.commit(operations);
  }

  #operations(): Operation[] {
    const { main } = this;
    const random = this.#random;
    const families = main.families;
    if (families.length === 0 || (families.length < FAMILIES_MAX && random(10) === 0)) {
      const family = main.newFamily();
      const first: Operation[] = [{ kind: 'create', family }];
      return random(2) === 0 ? first : [...first, ...this.#changes(family)];
    }
    const family = families[random(families.length)]!;
    if (random(40) === 0) return [...this.#changes(family), { kind: 'drop', family }];
    const other = families[random(families.length)]!;
    return [...this.#changes(family), ...(random(3) === 0 ? this.#changes(other) : [])];
  }

  #changes(family: number): Operation[] {
    const random = this.#random;
    const count = 1 + random(random(12) === 0 ? 100 : 8);
    return Array.from({ length: count }, (): Operation => {
      const key = this.#key();
      const kind = random(30);
      if (kind === 0) return { kind: 'clear', family, low: key, high: this.#key() };
      if (kind === 1 && random(4) === 0) return { kind: 'clear', family, low: key };
      if (kind < 6) return { kind: 'delete', family, key };
      const bytes = random(80) === 0 ? 9_000 : random(300);
      return { kind: 'put', family, key, value: 'x'.repeat(bytes) + random(1e6) };
    });
  }

  #key(): string {
    return `key${String(this.#random(900)).padStart(5, '0')}`;
  }

  #commitPages(): void {
    const { main } = this;
    this.#synced = main.appended;
    main.mergeAll();
    const [family] = main.families;
    if (family === undefined) return;
    main.commitPages(family, { [this.#key()]: 'page diff', [this.#key()]: undefined });
  }

  #closeSnapshot(): void {
    const [snapshot] = this.#open.splice(this.#random(this.#open.length + 1), 1);
    if (snapshot === undefined) return;
    const content = this.main.closeSnapshot(snapshot);
    if (content === undefined) return;
    expect(content).toEqual(snapshot.content);
    this.snapshotsChecked++;
  }

  #checkPublished(): void {
    const { sequence, content } = this.main.published();
    expect(sequence).toBe(this.main.harness.applied);
    expect(this.main.publishable).toContain(sequence);
    expect(content).toEqual(this.main.contentAt(sequence));
  }
}

describe('random histories of sealed generations', () => {
  it.each([1, 2, 3, 4, 5, 6])('keep every promise (seed %i)', (seed) => {
    const random = randomFrom(seed * 104_729);
    const sizes = {
      applyWorkers: [1, 2, 4][seed % 3]!,
      cacheBytes: seed % 2 === 0 ? MIB : 2 * MIB,
      writeBufferBytes: 128 * 1024,
      // With six, up to three are merged together.
      writeBufferCount: seed % 2 === 0 ? 6 : 3,
    };
    const init = { dirtyShareMax: 0.2 };
    let life = new Life(new BufferedMain({ sizes, init }), random);
    let snapshotsChecked = 0;
    for (let run = 0; run < LIVES; run++) {
      for (let action = 0; action < ACTIONS; action++) life.act();
      snapshotsChecked += life.snapshotsChecked;
      const before = life.main;
      const disk = before.harness.disk.crash({ random: () => random(1_000) / 1_000 });
      const after = new BufferedMain({ sizes, init, disk });
      expect(after.appended).toBeGreaterThanOrEqual(before.harness.checkpointed);
      expect(before.publishable).toContain(after.appended);
      expect(after.newest).toEqual(before.contentAt(after.appended));
      life = new Life(after, random);
    }
    expect(snapshotsChecked).toBeGreaterThan(0);
  });
});
