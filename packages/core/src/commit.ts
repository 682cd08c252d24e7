/**
 * The commit path: the one file that sees all four stages. A commit is built (BuildChanges),
 * handed to the log ring (AppendWal), waited for (WaitForSync) and published (ApplyChanges); modes
 * differ only in who applies and in how many commits may be under way. Main thread.
 *
 * Invariants
 * 1. Operations are admitted in the order of the calls; admission precedes build.
 * 2. At most one commit is between build and push; it keeps the shared builder until then.
 * 3. The newest version changes after the commit is appended: a refused commit was never visible.
 * 4. Whoever is acknowledged as durable waits for `synced`, never for anything read earlier.
 */
import {
  type ManifoldError,
  REASON_ANY,
  REASON_APPLIED,
  REASON_SYNCED,
} from '@manifold-db/storage';
import { APPEND_DISK_FULL, APPEND_DONE, APPEND_RING_FULL, Appender } from './append/appender.js';
import { CommitApplier } from './apply/applier.js';
import { Admission, diskFullError } from './build/admission.js';
import type { TransactionBuilder } from './build/builder.js';
import { BufferBuilder } from './build/buffer-builder.js';
import { PageDiffBuilder } from './build/page-builder.js';
import { BufferedCommits, Placed } from './buffered-commits.js';
import type { BufferedVersions } from './buffered-versions.js';
import type { Engine } from './engine.js';
import { Fifo } from './fifo.js';
import { Pins } from './pins.js';
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
  /** What the callbacks of `write` build with. */
  readonly builder: TransactionBuilder;
  readonly pins: Pins;
  /** Mode `buffered`. */
  readonly buffered: BufferedCommits | undefined;
  readonly waits: SyncWaits;
  readonly clock: StageClock;
  /** Log bytes of all commits since opening. */
  bytesPut = 0;
  readonly admission: Admission;
  readonly applier: CommitApplier;
  readonly #engine: Engine;
  readonly #appender: Appender;
  readonly #pageBuilder: PageDiffBuilder;
  readonly #waiting = new Fifo<Operation>();
  /** The commit between build and push, and where it stands. */
  #current: Operation | undefined;
  #currentValue: unknown;
  #stage: CommitStage = CommitStage.BuildChanges;
  #isBuilding = false;
  #isBlocking = false;
  /** It goes to the trees as a page diff, not into the write buffer. */
  #isDiff = true;
  #length = 0;
  #watched = 0;
  #isWatching = false;
  #keepsAlive = false;
  #isPollScheduled = false;
  /** Time spent building in this turn of the event loop. */
  #builtMs = 0;
  #isTurnOpen = false;
  #sinceRelease = 0;
  #onIdle: (() => void)[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    const bytesMax = engine.options.walBytesMax / 2;
    this.#appender = new Appender(engine.shared);
    this.clock = new StageClock(engine.shared);
    this.applier = new CommitApplier(engine, this.clock.trace);
    this.waits = new SyncWaits(engine);
    this.admission = new Admission(engine, this.applier);
    this.pins = new Pins(engine);
    this.#pageBuilder = new PageDiffBuilder(engine, engine.families, bytesMax);
    if (engine.hasWriteBuffer) {
      const { pins, applier } = this;
      this.buffered = new BufferedCommits(engine, pins, applier, this.#pageBuilder, this.poll);
    }
    this.builder = this.buffered?.builder ?? this.#pageBuilder;
  }

  /** For an optimistic transaction. */
  newBuilder(): TransactionBuilder {
    const engine = this.#engine;
    const bytesMax = engine.options.walBytesMax / 2;
    return this.buffered === undefined
      ? new PageDiffBuilder(engine, engine.families, bytesMax)
      : new BufferBuilder(engine, engine.families, bytesMax);
  }

  get versions(): BufferedVersions | undefined {
    return this.buffered?.versions;
  }

  /**
   * Runs the operation now, or lets it wait for its turn. Misuse found by a build that runs now
   * reaches `operation.reject`, like every other error. Who has asked `canRunNow` passes the
   * answer: another thread may change it at any time, and what runs now needs no copies.
   */
  submit(operation: Operation, runsNow = this.canRunNow()): void {
    if (runsNow) {
      this.#run(operation);
      // The build called writes, or close: maybe nothing else brings a poll.
      if (this.#waiting.length > 0 || this.#onIdle.length > 0) this.#schedulePoll();
    } else {
      this.#makePendingRoom(operation.bytes);
      this.admission.enter(operation.bytes);
      this.#waiting.push(operation);
      if (this.#builtMs >= TURN_BUDGET_MS) this.#schedulePoll();
      if (this.#isStuck) this.#rejectWaiting(diskFullError);
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

  /** Nothing is between call and push; false inside a build. */
  get isIdle(): boolean {
    return !this.#isBuilding && this.#current === undefined && this.#waiting.length === 0;
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

  /** Also between polls: who gives the event loop no turn would pile up what is long durable. */
  #release(): void {
    this.#sinceRelease = 0;
    this.buffered?.catchUp(this.waits.applied);
    this.applier.applySynced(this.#engine.synced);
    this.waits.release();
  }

  /** Everything up to `sequence` goes to the apply workers, also what the write buffer holds. */
  handOver(sequence: number): void {
    this.buffered?.sealUpTo(sequence);
    this.#watch();
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
    this.buffered?.stop();
    this.#engine.host.watch(0, () => false, this.poll);
  }

  /** Blocks until the condition holds, while the pipeline goes on. */
  blockUntil(condition: () => boolean): void {
    const wasBlocking = this.#isBlocking;
    this.#isBlocking = true;
    try {
      this.#engine.host.waitUntil(() => {
        // No timer runs meanwhile.
        this.buffered?.relieve();
        this.poll();
        return condition();
      }, REASON_ANY);
    } finally {
      this.#isBlocking = wasBlocking;
    }
    this.#watch();
  }

  /** Nothing that waits can be carried out before there is room on the disk. */
  get #isStuck(): boolean {
    if (!this.admission.isDiskFull()) return false;
    // A write buffer takes what waits, unless no generation is free or too much waits for a merge.
    if (this.buffered === undefined || this.#current !== undefined) return true;
    return this.admission.brake() === CommitStage.ApplyChanges;
  }

  #pump(): void {
    if (this.#waiting.length > 0 && this.#isStuck) {
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
    this.#engine.host.nextTurn(() => {
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
    host.nextTurn(this.#endTurn);
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
    this.#isDiff = this.buffered === undefined;
    try {
      builder.start(engine.newest);
      this.#currentValue = operation.build(builder);
      builder.requireWhole();
      if (!builder.isEmpty && this.buffered === undefined) this.#pageBuilder.changes.finish();
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
    this.#stage = CommitStage.BuildChanges;
    this.#advance();
  }

  /** Takes the current commit as far as it goes; true when it has left the builder. */
  #advance(): boolean {
    this.admission.beginAttempt();
    if (this.#stage === CommitStage.BuildChanges && !this.#place()) {
      return this.#current === undefined;
    }
    if (this.#stage === CommitStage.AppendWal && !this.#append()) {
      return this.#current === undefined;
    }
    if (this.#isDiff && !this.applier.push()) {
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

  /** Decides where the changes go, and starts the append; false while there is no room. */
  #place(): boolean {
    let staging = this.#pageBuilder.staging;
    if (this.buffered !== undefined) {
      let placed: Placed;
      try {
        placed = this.buffered.place();
      } catch (error) {
        this.#refuse(error);
        return false;
      }
      if (placed === Placed.NOT_YET) {
        this.admission.countWait(CommitStage.ApplyChanges);
        if (this.admission.isDiskFull()) this.#refuse(diskFullError());
        return false;
      }
      this.#isDiff = placed === Placed.AS_DIFF;
      if (!this.#isDiff) staging = this.builder.staging;
    }
    this.#appender.start(staging);
    this.#length = staging.length;
    this.#stage = CommitStage.AppendWal;
    return true;
  }

  /** The current commit has no sequence yet: nothing of it was ever visible. */
  #refuse(error: unknown): void {
    const operation = this.#current!;
    this.#current = undefined;
    this.#stage = CommitStage.BuildChanges;
    this.#abort();
    operation.reject(error);
  }

  #abort(): void {
    this.builder.abort();
    this.buffered?.withdraw(this.#isDiff);
  }

  #append(): boolean {
    const result = this.#appender.step();
    if (result === APPEND_DISK_FULL && !this.#appender.hasBegun) {
      this.#refuse(diskFullError());
      return false;
    }
    if (result !== APPEND_DONE) {
      const isRing = result === APPEND_RING_FULL;
      if (!isRing) this.buffered?.relieve();
      this.admission.countWait(isRing ? CommitStage.WaitForSync : CommitStage.AppendWal);
      return false;
    }
    const sequence = this.#appender.sequence;
    this.bytesPut += this.#length;
    if (this.#isDiff) {
      this.applier.admit(this.#pageBuilder.changes, sequence);
      this.#pageBuilder.admit(sequence);
      this.#engine.lastCommitted = sequence;
      this.buffered?.admittedDiff();
    } else {
      this.buffered!.admit(sequence);
      this.#engine.lastCommitted = sequence;
    }
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
    // What the call was not admitted for may be over, with nothing under way that would ring.
    this.#schedulePoll();
  }

  #watch(): void {
    // After a failure `isDue` says so at once, and the poll tells everyone who still waits.
    if (this.#isBlocking) return;
    let interest = this.waits.interest();
    if (this.#current !== undefined || this.#waiting.length > 0) interest |= REASON_ANY;
    if (this.applier.needsSync) interest |= REASON_SYNCED;
    // Nobody's promise depends on it, so the process may end without.
    const keepsAlive = interest !== 0;
    if (this.buffered?.awaitsApply === true) interest |= REASON_APPLIED;
    if (interest === 0) {
      this.#unwatch();
      return;
    }
    // A wait that is outstanding for these reasons already needs no new system call.
    const isWatched = (interest & ~this.#watched) === 0 && (this.#keepsAlive || !keepsAlive);
    if (isWatched && (keepsAlive || !this.#keepsAlive)) return;
    this.#watched = interest;
    this.#keepsAlive = keepsAlive;
    this.#isWatching = true;
    this.#engine.host.watch(interest, this.#isDue, this.poll, keepsAlive);
  }

  /** Nobody waits: the process may end without us. */
  #unwatch(): void {
    this.#watched = 0;
    this.#keepsAlive = false;
    if (!this.#isWatching) return;
    this.#isWatching = false;
    this.#engine.host.watch(0, this.#isDue, this.poll);
  }

  readonly #isDue = (): boolean =>
    this.#engine.hasFailed ||
    this.waits.isDue() ||
    this.applier.isDue(this.#engine.synced) ||
    this.buffered?.isDue === true ||
    (!this.isIdle && this.admission.hasMoved());

  #fail(): void {
    const engine = this.#engine;
    this.waits.release();
    this.waits.fail();
    const current = this.#current;
    if (current !== undefined) {
      this.#current = undefined;
      if (this.#stage !== CommitStage.ApplyChanges && !this.#isAppending) {
        this.#abort();
        current.reject(engine.poisonedError());
      } else {
        current.reject(engine.indeterminateError(this.#appender.sequence));
      }
      this.#stage = CommitStage.BuildChanges;
    }
    this.#rejectWaiting(() => engine.poisonedError());
    this.#engine.host.watch(0, this.#isDue, this.poll);
    this.#tellIdle();
  }

  get #isAppending(): boolean {
    return this.#stage === CommitStage.AppendWal && this.#appender.hasBegun;
  }

  #rejectWaiting(error: () => ManifoldError): void {
    for (const operation of this.#waiting.drain()) {
      this.admission.leave(operation.bytes);
      operation.reject(error());
    }
  }
}
