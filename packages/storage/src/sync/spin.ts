/**
 * Waiting awake for a moment before going to sleep. A sleep and its wake-up cost 50 to 100 µs on a
 * virtual machine whose other processor is idle, and a ringer that finds nobody asleep makes no
 * system call; but a thread that waits awake takes a processor from the others. So the wait is
 * bounded, and given up for a while when it keeps being in vain (as the adaptive mutexes of Solaris
 * and glibc do). Threads: each has its own policy.
 */
import { availableParallelism } from 'node:os';
import { BELL_RINGS, BELL_WORDS } from '../layout/bells.js';

/** Loads of the ring count between two looks at the clock. */
const LOADS_PER_LOOK = 64;
/** So many waits in vain, one after another, and only one in so many is awake. */
const MISSES_MAX = 3;
const WAITS_PER_TRIAL = 16;

/** Whether a thread should wait awake, learned from how its last waits ended. */
export class SpinPolicy {
  /** How long one wait may be awake. */
  readonly limitMs: number;
  #misses = 0;
  #waits = 0;

  /** With a single processor nothing comes while one is awake. */
  constructor(limitMs: number, processors = availableParallelism()) {
    this.limitMs = processors > 1 ? limitMs : 0;
  }

  /** Asked once per wait. */
  shouldSpin(): boolean {
    if (this.limitMs === 0) return false;
    if (this.#misses < MISSES_MAX) return true;
    this.#waits = (this.#waits + 1) % WAITS_PER_TRIAL;
    return this.#waits === 0;
  }

  /** Told after a wait that was awake: whether it was long enough. */
  ended(wasEnough: boolean): void {
    if (wasEnough) this.#misses = 0;
    else if (this.#misses < MISSES_MAX) this.#misses++;
  }

  /**
   * Waits awake, if that is worth a try, until the condition holds: looked at first and after every
   * ring. False: it is time to sleep.
   */
  waitFor(bells: Int32Array, thread: number, condition: () => boolean): boolean {
    if (!this.shouldSpin()) return false;
    const untilMs = performance.now() + this.limitMs;
    for (;;) {
      const rings = ringsOf(bells, thread);
      const holds = condition();
      if (holds || !spinOnBell(bells, thread, rings, untilMs)) {
        this.ended(holds);
        return holds;
      }
    }
  }
}

/** The ring count, for `spinOnBell`; the condition is checked after this and before that. */
export function ringsOf(bells: Int32Array, thread: number): number {
  return Atomics.load(bells, thread * BELL_WORDS + BELL_RINGS);
}

/** Stays awake until the bell rings or the clock (`performance.now()`) has passed `untilMs`. */
export function spinOnBell(
  bells: Int32Array,
  thread: number,
  rings: number,
  untilMs: number,
): boolean {
  const at = thread * BELL_WORDS + BELL_RINGS;
  do {
    for (let i = 0; i < LOADS_PER_LOOK; i++) if (Atomics.load(bells, at) !== rings) return true;
  } while (performance.now() < untilMs);
  return false;
}
