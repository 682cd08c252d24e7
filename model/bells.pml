/*
 * Bells: the sequence-counted conditions on which threads sleep, and the reasons for ringing.
 * code: packages/storage/src/sync/bell.ts, packages/storage/src/layout/bells.ts
 *
 * A ring count is compared with the value that its owner loaded in prepareToSleep, and with nothing
 * else. So BELL_RINGS is one bit here: whether it has moved since then.
 *
 * COARSE_BELLS: to prepare is one step, and so is to ring, together with the change that is rung
 * for: for models with much else in them. The single steps are what sync.pml looks at.
 *
 * Variants, each of which must be found to hang somebody:
 * BUG_NO_RECHECK       sleeps without looking at its condition once more
 * BUG_LATE_COUNT       loads the ring count after that look
 * BUG_WAIT_ANYWAY      sleeps although the bell has rung: Atomics.wait on a constant
 * (To declare the interest after the look is sound: the count refuses the sleep. The model said so.)
 */
#define THREAD_MAIN 0
#define THREAD_WAL 1
#define THREAD_APPLY 2
/* A model without the apply worker says 2. */
#ifndef THREADS
#define THREADS 3
#endif

#define REASON_APPENDED 1
#define REASON_WRITTEN 2
#define REASON_SYNCED 4
#define REASON_APPLIED 8
#define REASON_SPACE 16
#define REASON_REQUEST 32
#define REASON_ANY 63

bit BELL_RINGS[THREADS] = 1;
byte BELL_INTEREST[THREADS];
/* Inside Atomics.wait, or with a promise of Atomics.waitAsync outstanding. */
bit isAsleep[THREADS];

/* Change the state first, then ring: count, look at the interest, notify. */
inline ringBell(thread, reason) {
#ifdef COARSE_BELLS
  BELL_RINGS[thread] = 1;
  isAsleep[thread] = ((BELL_INTEREST[thread] & (reason)) != 0 -> 0 : isAsleep[thread])
#else
  BELL_RINGS[thread] = 1;
  if
  :: (BELL_INTEREST[thread] & (reason)) != 0 -> isAsleep[thread] = 0
  :: else
  fi
#endif
}

/* The same for a ringer that is one of several in a row; rings of different bells commute. */
inline ringAllBells(reason) {
  ringBell(THREAD_MAIN, reason);
  ringBell(THREAD_WAL, reason)
#if THREADS > 2
  ;
  ringBell(THREAD_APPLY, reason)
#endif
}

inline prepareToSleep(thread, interest) {
#ifdef COARSE_BELLS
  d_step { BELL_INTEREST[thread] = interest; BELL_RINGS[thread] = 0 }
#else
  BELL_INTEREST[thread] = interest;
  BELL_RINGS[thread] = 0
#endif
}

/* Outside of a wait nobody looks at the count: it is set so that fewer states differ. */
inline cancelSleep(thread) {
  d_step { BELL_INTEREST[thread] = 0; BELL_RINGS[thread] = 1 }
}

/* Atomics.wait compares and goes to sleep in one step. */
inline sleepOnBell(thread) {
#ifdef BUG_LATE_COUNT
  BELL_RINGS[thread] = 0;
#endif
  if
#ifdef BUG_WAIT_ANYWAY
  :: isAsleep[thread] = 1; isAsleep[thread] == 0
#else
  :: atomic { BELL_RINGS[thread] == 0 -> isAsleep[thread] = 1; BELL_RINGS[thread] = 1 };
     isAsleep[thread] == 0
  :: BELL_RINGS[thread] != 0
#endif
  fi;
  BELL_INTEREST[thread] = 0
}
