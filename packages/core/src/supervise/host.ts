/**
 * What runs the loops of the other stages: worker threads in production, a scheduler in one thread
 * in the simulator. The engine sees only this interface, and no other clock or timer decides what
 * it does: so a scheduler decides it all.
 */
import type { ApplyInit, Shared, WalInit } from '@manifold-db/storage';

/** A call that will come, unless it is called off. */
export interface HostTimer {
  stop(): void;
}

export interface Host {
  /** Starts the loops; resolves once every one of them is ready to run. */
  start(shared: Shared, wal: WalInit, apply: readonly ApplyInit[]): Promise<void>;
  /**
   * Blocks the calling thread until the condition holds, while the other loops run. `interest` are
   * the bell reasons that can make it true; what nobody rings for is looked at every `lookMs`.
   */
  waitUntil(condition: () => boolean, interest: number, lookMs?: number): void;
  /**
   * Calls `wake` from the event loop once the main thread's bell has rung for one of the reasons in
   * `interest`, or at once if `isDue` says so already. At most one call is under way; a new
   * interest replaces the old. Interest 0 calls it off. Keeps the process alive meanwhile, unless
   * nobody waits for it.
   */
  watch(interest: number, isDue: () => boolean, wake: () => void, keepsAlive?: boolean): void;
  /** Milliseconds on a monotonic clock. */
  now(): number;
  /** Calls back once from the event loop, not before `delayMs` have passed on that clock. */
  startTimer(delayMs: number, callback: () => void, keepsAlive?: boolean): HostTimer;
  /** Calls back once, when everything that the event loop has to do in this turn is done. */
  nextTurn(callback: () => void): void;
  /** Resolves once every loop has stopped, after SHUTDOWN was stored and the bells were rung. */
  stopped(): Promise<void>;
}
