/**
 * Runs one history in lockstep: the model, the content oracle and one database per mode. Whatever a
 * database answers is compared with what the model expects, so all modes answer the same; errors
 * must also have the same message everywhere.
 *
 * Commits are not waited for unless the command says so. What a read must show is therefore taken
 * from the sequence that its database stands at.
 */
import type { CommitMode } from '@manifold-db/core';
import type { Command, History, View } from './commands.js';
import { openContentOracle, type ContentOracle } from './content-oracle.js';
import { HistoryEngine, type HeldSnapshot, type Place } from './engine.js';
import { HistoryModel, type ModelState } from './model.js';
import { outcomeNow, outcomeOf, type ErrorFacts, type Expected, type Outcome } from './outcome.js';

/** More are not left unacknowledged. */
const PENDING_MAX = 48;

type Call = (engine: HistoryEngine) => unknown;

export class World {
  readonly oracle: ContentOracle = openContentOracle();
  readonly model = new HistoryModel(this.oracle);
  readonly engines: readonly HistoryEngine[];
  place: Place = { index: -1, command: undefined };
  readonly #errors = new Map<string, { mode: string; message: string }>();

  constructor(directory: string, modes: readonly CommitMode[], { options }: History) {
    this.engines = modes.map((mode, at) => new HistoryEngine(directory, at, mode, options));
  }

  async open(): Promise<void> {
    await this.onEach((engine) => engine.open(engine.mode, this.place));
  }

  enter(index: number, command: Command | undefined): void {
    this.place = { index, command };
  }

  /** Does the same with every database at once. The first complaint is the one that counts. */
  async onEach(act: (engine: HistoryEngine) => unknown): Promise<void> {
    const { place } = this;
    const runs = this.engines.map(async (engine) => {
      await engine.patiently(Promise.resolve(act(engine)), 'the call', place);
    });
    const [failure] = (await Promise.allSettled(runs)).filter((run) => run.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  /** Waits for everything that was called. */
  async settle(): Promise<void> {
    const { place } = this;
    await this.onEach((engine) => engine.settle(place));
  }

  /**
   * Makes a call on every database; its outcome is checked when it is there, then `afterwards` may
   * look at more.
   */
  async issue(
    expected: Expected,
    isAwaited: boolean,
    call: Call,
    afterwards?: (engine: HistoryEngine, outcome: Outcome) => void,
  ): Promise<void> {
    const { place } = this;
    for (const engine of this.engines) {
      const check = outcomeOf(() => call(engine)).then((outcome) => {
        this.#noteError(engine, outcome, place);
        engine.mustBe(outcome, expected, place);
        afterwards?.(engine, outcome);
      });
      engine.addPending(check);
    }
    const isFull = this.engines.some((engine) => engine.pendingCount > PENDING_MAX);
    if (isAwaited || isFull) await this.settle();
  }

  /** Checks what a call did at once. */
  check(engine: HistoryEngine, outcome: Outcome, expected: Expected | readonly Expected[]): void {
    this.#noteError(engine, outcome, this.place);
    engine.mustBe(outcome, expected, this.place);
  }

  /** The same error in the same words, whatever the mode, thrown or rejected alike. */
  #noteError(engine: HistoryEngine, outcome: Outcome, place: Place): void {
    if (!('error' in outcome)) return;
    const facts: ErrorFacts = outcome.error;
    const message = JSON.stringify(facts).replaceAll(engine.db.path, '<database>');
    const key = `${place.index} ${facts.code ?? facts.name}`;
    const known = this.#errors.get(key);
    if (known === undefined) this.#errors.set(key, { mode: engine.mode, message });
    else if (known.message !== message) {
      engine.complain(place, `failed with ${message}, mode ${known.mode} with ${known.message}`);
    }
  }

  // --- reads ------------------------------------------------------------------------------------

  held(engine: HistoryEngine, view: View): HeldSnapshot | undefined {
    return typeof view === 'object' ? engine.snapshots.get(view.snapshot) : undefined;
  }

  /**
   * Reads in a view; `expect` says what one state shows. The states that count are those between
   * the watermark before the read and the one behind it.
   */
  async look(
    engine: HistoryEngine,
    view: View,
    read: (options: object) => unknown,
    expect: (state: ModelState) => unknown,
  ): Promise<void> {
    const held = this.held(engine, view);
    if (held !== undefined) {
      const outcome = await outcomeOf(() => read({ snapshot: held.snapshot }));
      this.check(engine, outcome, { value: expect(held.state) });
      return;
    }
    const { db } = engine;
    if (typeof view === 'object' || view === 'latest') {
      const state = this.model.states[db.lastCommitted]!;
      const options = typeof view === 'object' ? {} : { consistency: view };
      this.check(engine, await outcomeOf(() => read(options)), { value: expect(state) });
      return;
    }
    const from = view === 'synced' ? db.lastSynced : db.lastApplied;
    const reading = outcomeNow(() => read({ consistency: view }));
    // A root set is published before the watermark says so.
    const to = view === 'synced' ? db.lastSynced : Math.max(db.lastApplied, db.lastSynced);
    const outcome = 'error' in reading ? reading : await outcomeOf(() => reading.value);
    const states = this.model.states.slice(from, to + 1);
    this.check(
      engine,
      outcome,
      states.map((state) => ({ value: expect(state) })),
    );
  }

  async abandon(): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine.abandon()));
    await this.oracle.close();
  }
}
