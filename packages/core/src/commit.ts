/**
 * The commit path: the one file that sees all four stages. A commit is built (BuildChanges),
 * handed to the log ring (AppendWal), waited for (WaitForSync) and published (ApplyChanges); modes
 * differ only in who applies and in how many commits may be under way. Main thread.
 *
 * Invariants
 * 1. Operations are admitted in the order of the calls; admission precedes build.
 * 2. At most one commit is between build and push; it keeps the shared builder until then.
 * 3. Admitted roots change after the commit is appended: a refused commit was never visible.
 * 4. Whoever is acknowledged as durable waits for `synced`, never for anything read earlier.
 */
import {
  ManifoldError,
  REASON_ANY,
  REASON_SYNCED,
  TRACE_MAIN,
  traceWriterFor,
} from '@manifold-db/storage';
import { APPEND_DISK_FULL, APPEND_DONE, APPEND_RING_FULL, Appender } from './append/appender.js';
import { CommitApplier } from './apply/applier.js';
import { Admission } from './build/admission.js';
import { TransactionBuilder } from './build/builder.js';
import type { Engine } from './engine.js';
import { Fifo } from './fifo.js';
import { StageClock } from './stage-clock.js';
import { SyncWaits } from './sync/sync-waits.js';
import type { Durability } from './types.js';

/** The seed's stages, in order. */
export const CommitStage = {
  BuildChanges: 'BuildChanges',
  AppendWal: 'AppendWal',
  WaitForSync: 'WaitForSync',
  ApplyChanges: 'ApplyChanges',
} as const;
export type CommitStage = (typeof CommitStage)[keyof typeof CommitStage];

/** Fills the builder; what it returns becomes the value of the commit. */
export type Build = (builder: TransactionBuilder) => unknown;

/** One write on its way, from the call to the acknowledgement. */
export interface Operation {
  readonly build: Build;
  readonly durability: Durability;
  /** What it takes of `pendingBytesMax` while it waits for admission. */
  readonly bytes: number;
  readonly resolve: (sequence: number, value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Builds take about this long at most before the event loop gets a turn. */
const TURN_BUDGET_MS = 2;

/** Commits between two looks at who can be acknowledged, when nothing else makes one. */
const COMMITS_PER_RELEASE = 64;

export class CommitPipeline {
  readonly builder: TransactionBuilder;
  readonly waits: SyncWaits;
  readonly clock: StageClock;
  readonly admission: Admission;
  readonly applier: CommitApplier;
  readonly #engine: Engine;
  readonly #appender: Appender;
  readonly #waiting = new Fifo<Operation>();
  /** The commit between build and push, and where it stands. */
  #current: Operation | undefined;
  #currentValue: unknown;
  #stage: CommitStage = CommitStage.BuildChanges;
  #isBuilding = false;
  #isBlocking = false;
  #watched = 0;
  #isWatching = false;
  #isPollScheduled = false;
  /** Time spent building in this turn of the event loop. */
  #builtMs = 0;
  #isTurnOpen = false;
  #sinceRelease = 0;
  #onIdle: (() => void)[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    const bytesMax = engine.options.walBytesMax / 2;
    this.builder = new TransactionBuilder(engine, engine.families, bytesMax);
    this.#appender = new Appender(engine.shared);
    const trace = traceWriterFor(engine.shared, TRACE_MAIN);
    this.clock = new StageClock(trace);
    this.applier = new CommitApplier(engine, trace);
    this.waits = new SyncWaits(engine);
    this.admission = new Admission(engine, this.applier);
  }

  /**
   * Runs the operation now, or lets it wait for its turn. Misuse found by a build that runs now
   * reaches `operation.reject`, like every other error. Who has asked `canRunNow` passes the
   * answer: another thread may change it at any time, and what runs now needs no copies.
   */
  submit(operation: Operation, runsNow = this.canRunNow()): void {
    if (runsNow) {
      this.#run(operation);
      // Writes that the build called wait behind it, and maybe nothing else brings a poll.
      if (this.#waiting.length > 0) this.#schedulePoll();
    } else {
      this.#makePendingRoom(operation.bytes);
      this.admission.enter(operation.bytes);
      this.#waiting.push(operation);
      if (this.#builtMs >= TURN_BUDGET_MS) this.#schedulePoll();
      if (this.admission.isDiskFull()) this.#rejectWaiting(diskFullError);
    }
    this.#watch();
  }

  /** True when a build called now would run at once: its arguments need no copy. */
  canRunNow(): boolean {
    return (
      !this.#isBuilding &&
      this.#current === undefined &&
      this.#waiting.length === 0 &&
      this.admission.isOpen()
    );
  }

  /**
   * As `canRunNow`, for an operation that may as well wait: callers that were all acknowledged at
   * once and go on writing must not keep the event loop from its turn.
   */
  canRunThisTurn(): boolean {
    return this.#builtMs < TURN_BUDGET_MS && this.canRunNow();
  }

  get isBuilding(): boolean {
    return this.#isBuilding;
  }

  /** Nothing is between call and push. */
  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** The stage that holds operations up right now. */
  brake(): CommitStage | undefined {
    if (this.#current !== undefined) return this.#stage;
    return this.#waiting.length === 0 ? undefined : this.admission.brake();
  }

  // --- the loop ---------------------------------------------------------------------------------

  /** One look at everything that may have moved; called when the bell rings. */
  readonly poll = (): void => {
    this.#watched = 0;
    const engine = this.#engine;
    if (engine.hasFailed) {
      this.#fail();
      return;
    }
    this.#release();
    this.#pump();
    // What the pump appended may be durable by now, on a fast disk or in the simulator.
    this.waits.release();
    this.#watch();
    if (this.isIdle) this.#tellIdle();
  };

  /**
   * Also between polls: a caller that writes on and on without giving the event loop a turn would
   * pile up the acknowledgements of commits that have long been durable.
   */
  #release(): void {
    this.#sinceRelease = 0;
    this.applier.applySynced(this.#engine.synced);
    this.waits.release();
  }

  /** Calls back once nothing is between call and push. */
  onIdle(callback: () => void): void {
    this.#onIdle.push(callback);
  }

  #tellIdle(): void {
    for (const callback of this.#onIdle.splice(0)) callback();
  }

  /** The database is closed: nobody is called any more. */
  stop(): void {
    this.#engine.host.watch(0, () => false, this.poll);
  }

  /** Blocks until the condition holds, while the pipeline goes on. */
  blockUntil(condition: () => boolean): void {
    const wasBlocking = this.#isBlocking;
    this.#isBlocking = true;
    try {
      this.#engine.host.waitUntil(() => {
        this.poll();
        return condition();
      }, REASON_ANY);
    } finally {
      this.#isBlocking = wasBlocking;
    }
    this.#watch();
  }

  #pump(): void {
    if (this.#waiting.length > 0 && this.admission.isDiskFull()) {
      this.#rejectWaiting(diskFullError);
      return;
    }
    for (;;) {
      if (this.#current !== undefined && !this.#advance()) return;
      const next = this.#waiting.peek();
      if (next === undefined || this.#isBuilding) return;
      if (this.#builtMs >= TURN_BUDGET_MS && !this.#isBlocking) {
        this.#schedulePoll();
        return;
      }
      if (!this.admission.isOpen()) return;
      this.#waiting.shift();
      this.admission.leave(next.bytes);
      this.#run(next);
    }
  }

  #schedulePoll(): void {
    if (this.#isPollScheduled) return;
    this.#isPollScheduled = true;
    setImmediate(() => {
      this.#isPollScheduled = false;
      this.poll();
    });
  }

  /**
   * Not the poll begins a turn: acknowledgements that arrive during a build are handled in the same
   * turn, one after another, as long as they keep coming.
   */
  #run(operation: Operation): void {
    const { host } = this.#engine;
    const startedMs = host.now();
    this.#buildAndAppend(operation);
    this.#builtMs += host.now() - startedMs;
    if (this.#isTurnOpen) return;
    this.#isTurnOpen = true;
    setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isTurnOpen = false;
    this.#builtMs = 0;
  };

  /** Stages 1 and 2 of one commit; it stays `#current` when the second has to wait. */
  #buildAndAppend(operation: Operation): void {
    const engine = this.#engine;
    const { builder, clock } = this;
    clock.start();
    this.#isBuilding = true;
    try {
      builder.start((entry, root) => {
        engine.families.readAdmitted(entry, root);
        return entry.exists;
      });
      this.#currentValue = operation.build(builder);
      builder.requireWhole();
      if (!builder.isEmpty) builder.changes.finish();
    } catch (error) {
      builder.abort();
      operation.reject(error);
      return;
    } finally {
      this.#isBuilding = false;
    }
    if (builder.isEmpty) {
      builder.abort();
      this.waits.settle(operation, engine.lastCommitted, this.#currentValue);
      return;
    }
    clock.built();
    this.#current = operation;
    this.#stage = CommitStage.AppendWal;
    this.#appender.start(builder.staging);
    this.#advance();
  }

  /** Takes the current commit as far as it goes; true when it has left the builder. */
  #advance(): boolean {
    this.admission.beginAttempt();
    if (this.#stage === CommitStage.AppendWal && !this.#append())
      return this.#current === undefined;
    if (!this.applier.push()) {
      this.admission.countWait(CommitStage.ApplyChanges);
      return false;
    }
    const operation = this.#current!;
    const sequence = this.#appender.sequence;
    this.#current = undefined;
    this.#stage = CommitStage.BuildChanges;
    this.applier.applyAppended();
    this.clock.appended(sequence);
    this.waits.settle(operation, sequence, this.#currentValue);
    this.#currentValue = undefined;
    if (++this.#sinceRelease >= COMMITS_PER_RELEASE) this.#release();
    return true;
  }

  #append(): boolean {
    const result = this.#appender.step();
    if (result === APPEND_DISK_FULL && !this.#appender.hasBegun) {
      const operation = this.#current!;
      this.#current = undefined;
      this.builder.abort();
      operation.reject(diskFullError());
      return false;
    }
    if (result !== APPEND_DONE) {
      const isRing = result === APPEND_RING_FULL;
      this.admission.countWait(isRing ? CommitStage.WaitForSync : CommitStage.AppendWal);
      return false;
    }
    const sequence = this.#appender.sequence;
    this.applier.admit(this.builder.changes, sequence);
    this.builder.admit(sequence);
    this.#engine.lastCommitted = sequence;
    this.#stage = CommitStage.ApplyChanges;
    return true;
  }

  /** Beyond `pendingBytesMax` the call blocks until the other threads have made room. */
  #makePendingRoom(bytes: number): void {
    if (this.admission.hasPendingRoom(bytes) || this.#isBuilding) return;
    const { host } = this.#engine;
    const started = host.now();
    this.blockUntil(() => this.#engine.hasFailed || this.admission.hasPendingRoom(bytes));
    this.admission.countBlocked(host.now() - started);
    if (this.#engine.hasFailed) throw this.#engine.poisonedError();
  }

  #watch(): void {
    // After a failure `isDue` says so at once, and the poll tells everyone who still waits.
    if (this.#isBlocking) return;
    let interest = this.waits.interest();
    if (this.#current !== undefined || this.#waiting.length > 0) interest |= REASON_ANY;
    if (this.applier.needsSync) interest |= REASON_SYNCED;
    if (interest === 0) {
      this.#unwatch();
      return;
    }
    // A wait that is outstanding for these reasons already needs no new system call.
    if ((interest & ~this.#watched) === 0) return;
    this.#watched = interest;
    this.#isWatching = true;
    this.#engine.host.watch(interest, this.#isDue, this.poll);
  }

  /** Nobody waits: the process may end without us. */
  #unwatch(): void {
    this.#watched = 0;
    if (!this.#isWatching) return;
    this.#isWatching = false;
    this.#engine.host.watch(0, this.#isDue, this.poll);
  }

  readonly #isDue = (): boolean =>
    this.#engine.hasFailed ||
    this.waits.isDue() ||
    this.applier.isDue(this.#engine.synced) ||
    (!this.isIdle && this.admission.hasMoved());

  #fail(): void {
    const engine = this.#engine;
    this.waits.release();
    this.waits.fail();
    const current = this.#current;
    if (current !== undefined) {
      this.#current = undefined;
      if (this.#stage === CommitStage.AppendWal && !this.#appender.hasBegun) {
        this.builder.abort();
        current.reject(engine.poisonedError());
      } else {
        current.reject(engine.indeterminateError(this.#appender.sequence));
      }
    }
    this.#rejectWaiting(() => engine.poisonedError());
    this.#engine.host.watch(0, this.#isDue, this.poll);
    this.#tellIdle();
  }

  #rejectWaiting(error: () => ManifoldError): void {
    for (const operation of this.#waiting.drain()) {
      this.admission.leave(operation.bytes);
      operation.reject(error());
    }
  }
}

function diskFullError(): ManifoldError {
  return new ManifoldError(
    'ERR_MANIFOLD_FULL',
    'no room on the disk for the log: the commit was refused; free some space and write again',
  );
}
