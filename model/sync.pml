/*
 * Group sync: the main thread appends, waits and closes; the fsync worker writes, syncs, publishes
 * how far; callers are acknowledged or refused. With a power cut at any moment, disks that fail to
 * write or to sync, and a worker that dies.
 * code: packages/wal-worker/src/wal-loop.ts and main.ts, packages/core/src/commit.ts,
 *       core/src/sync/sync-waits.ts, core/src/supervise/thread-host.ts, core/src/database.ts
 *
 * Configurations
 * POWER_CUT       recovery from every state that a power cut may leave (safety)
 * SYNC_ERRORS     a sync may fail
 * WRITE_ERRORS    a write may fail and leave a torn block
 * WORKER_DIES     the fsync worker may end at any step
 * CLOSES_EARLY    the user closes at any moment; otherwise when every commit was settled
 *
 * Variants
 * BUG_B1          SYNCED is what was appended when the sync is over
 * BUG_B1_BEFORE   SYNCED is what was appended, not what was written, when the sync began
 * BUG_B3          a failed sync wakes nobody and its group is never ended
 * BUG_B9          writing goes on behind the garbage of a failed write
 * BUG_NO_RECHECK, BUG_LATE_COUNT, BUG_WAIT_ANYWAY   wake-ups are missed, see bells.pml
 * BUG_RING_FIRST      rings before SYNCED is stored
 * BUG_DEATH_UNSEEN    a worker that dies during close is taken for one that ended
 * BUG_FAILURE_SILENT  the failure is stored and nobody is rung
 */
#ifndef COMMITS
#define COMMITS 3
#endif
/* Records that the ring holds. */
#ifndef RING_RECORDS_MAX
#define RING_RECORDS_MAX 2
#endif
#define BLOCKS_MAX (2 * COMMITS + 3)

#define THREADS 2
#include "bells.pml"
#include "failure.pml"

byte PROGRESS_APPENDED;
byte PROGRESS_WRITTEN;
byte PROGRESS_SYNCED;
byte RING_CLAIMED;
byte RING_CONSUMED;
/* Records whose DESCRIPTOR_STATE says that their bytes are there: a prefix, one thread commits. */
byte published;

/* The log: blocks as they were written, and how many of them the last sync covers. */
byte blockLastSequence[BLOCKS_MAX];
byte blockWatermark[BLOCKS_MAX];
bit isGarbage[BLOCKS_MAX];
byte blocks;
byte durableBlocks;

/* What the user knows. */
byte submitted;
byte acknowledged;
byte settled;
bit isClosed;

/* Whether its exit code is 0. */
bit isWalOrderly;
bit isWalExited;
#ifdef WORKER_DIES
bit isTerminated;
#endif

/* --- the fsync worker ------------------------------------------------------------------------ */

inline writeBlock(last) {
  blockLastSequence[blocks] = last;
  blockWatermark[blocks] = synced;
  witnessed = synced;
  blocks++
}

/* WalLoop.hasWork */
#define walHasWork \
  (PROGRESS_SHUTDOWN == SHUTDOWN_NOW || hasFailed || isSyncDue || published > consumed || \
   synced > witnessed || (PROGRESS_SHUTDOWN == SHUTDOWN_DRAIN && RING_CLAIMED == consumed))

inline writeGroup() {
  bound = RING_CLAIMED;
  do
  :: consumed < bound && consumed < published ->
     /* A block ends where the ring does: it takes one record, or all that there are. */
     if
     :: last = consumed + 1
     :: last = (published < bound -> published : bound)
     fi;
     if
     :: d_step { writeBlock(last); consumed = last; hasUnsynced = 1; isSyncDue = 1 }
#ifdef WRITE_ERRORS
     :: d_step { blocks < BLOCKS_MAX - 3 -> isGarbage[blocks] = 1; writeBlock(last) };
#ifdef BUG_B9
        d_step { writeBlock(last); consumed = last; hasUnsynced = 1; isSyncDue = 1 }
#else
        setFailure(FAILURE_LOG_WRITE);
        goto stopped
#endif
#endif
     fi;
     PROGRESS_WRITTEN = consumed;
     RING_CONSUMED = consumed;
     ringBell(THREAD_MAIN, REASON_WRITTEN | REASON_SPACE)
  :: else -> break
  od;
  last = 0;
  bound = 0
}

inline syncGroup() {
#ifdef BUG_B1_BEFORE
  captured = PROGRESS_APPENDED;
#else
  captured = PROGRESS_WRITTEN;
#endif
  /* The disk works; a power cut in the middle leaves any subset. */
  if
  :: d_step { durableBlocks = blocks; isSyncDue = 0; hasUnsynced = 0; synced = captured };
#ifdef BUG_B1
     captured = PROGRESS_APPENDED;
#endif
     if
     :: captured > PROGRESS_SYNCED ->
#ifdef BUG_RING_FIRST
        ringBell(THREAD_MAIN, REASON_SYNCED);
        PROGRESS_SYNCED = captured
#else
        PROGRESS_SYNCED = captured;
        ringBell(THREAD_MAIN, REASON_SYNCED)
#endif
     :: else
     fi
#ifdef SYNC_ERRORS
  :: true ->
#ifdef BUG_B3
     isLeaderLost = 1
#else
#ifdef BUG_FAILURE_SILENT
     PROGRESS_FAILURE = FAILURE_SYNC;
#else
     setFailure(FAILURE_SYNC);
#endif
     goto stopped
#endif
#endif
  fi;
  captured = 0
}

proctype wal() {
  byte consumed, bound, last, captured, synced, witnessed, shutdown;
  bit isSyncDue, hasUnsynced, isLeaderLost;
#ifdef WORKER_DIES
  {
#endif
  do
  :: shutdown = PROGRESS_SHUTDOWN;
     if
     :: shutdown == SHUTDOWN_NOW || hasFailed -> goto stopped
     :: else
     fi;
     if
     :: isLeaderLost
     :: !isLeaderLost && isSyncDue -> syncGroup(); goto worked
     :: !isLeaderLost && !isSyncDue ->
        writeGroup();
        if
        :: isSyncDue -> goto worked
        :: else
        fi;
        /* rest */
        if
        :: published > consumed -> goto worked
        :: else
        fi;
        if
        :: synced > witnessed -> d_step { writeBlock(consumed); hasUnsynced = 1 }; goto worked
        :: else
        fi;
        if
        :: shutdown == SHUTDOWN_DRAIN && RING_CLAIMED == consumed ->
           if
           :: !hasUnsynced -> goto stopped
           :: hasUnsynced -> isSyncDue = 1; goto worked
           fi
        :: else
        fi
     fi;
     /* idle, see run() in main.ts */
     prepareToSleep(THREAD_WAL, REASON_APPENDED | REASON_REQUEST);
     if
#ifdef BUG_NO_RECHECK
     :: true -> sleepOnBell(THREAD_WAL)
#else
     :: walHasWork && !isLeaderLost -> cancelSleep(THREAD_WAL)
     :: else -> sleepOnBell(THREAD_WAL)
#endif
     fi;
worked:
     shutdown = 0
  od;
stopped:
  isWalOrderly = 1
#ifdef WORKER_DIES
  } unless { isTerminated }
#endif
  ;
  isWalExited = 1
}

#ifdef WORKER_DIES
/* worker.terminate(), memory exhaustion: at any moment, or never. */
proctype death() {
  if
  :: isTerminated = 1
  :: true
  fi
}
#endif

/* --- the main thread --------------------------------------------------------------------------- */

#define OPEN 0
#define CLOSING 1
#define STOPPING 2

/* Waiters stand in SyncWaits.synced: the sequences above firstWaiter, up to lastCommitted. */
#define hasWaiters (lastCommitted > firstWaiter)

/* CommitPipeline.#isDue; hasMoved is Admission.hasMoved, whose stamp is RING_CONSUMED here. */
inline isDue(result) {
  result = 0;
  if
  :: hasFailed -> result = 1
  :: else ->
     if
     :: hasWaiters && firstWaiter < PROGRESS_SYNCED -> result = 1
     :: else ->
        if
        :: hasCurrent && stamp != RING_CONSUMED -> d_step { stamp = RING_CONSUMED; result = 1 }
        :: else
        fi
     fi
  fi
}

/* ThreadHost.watch, #arm: the promise of waitAsync stays outstanding while other code runs. */
inline arm(interest) {
  prepareToSleep(THREAD_MAIN, interest);
#ifdef BUG_NO_RECHECK
  due = 0;
#else
  isDue(due);
#endif
#ifdef BUG_LATE_COUNT
  BELL_RINGS[THREAD_MAIN] = 0;
#endif
  if
  :: due -> isScheduled = 1
  :: !due && isWaiting
#ifdef BUG_WAIT_ANYWAY
  :: !due && !isWaiting -> atomic { isAsleep[THREAD_MAIN] = 1; isWaiting = 1 }
#else
  :: !due && !isWaiting ->
     if
     :: atomic { BELL_RINGS[THREAD_MAIN] == 0 -> isAsleep[THREAD_MAIN] = 1; isWaiting = 1 }
     :: BELL_RINGS[THREAD_MAIN] != 0 -> isScheduled = 1
     fi
#endif
  fi;
  due = 0
}

/* CommitPipeline.#watch */
inline watch() {
  interest = (hasWaiters -> REASON_SYNCED : 0) | (hasCurrent -> REASON_ANY : 0);
  if
  :: interest == 0 ->
     d_step { watched = 0; watchedByHost = 0; BELL_INTEREST[THREAD_MAIN] = 0 }
  :: interest != 0 && (interest & watched) == interest
  :: interest != 0 && (interest & watched) != interest ->
     d_step { watched = interest; watchedByHost = interest };
     arm(interest)
  fi;
  interest = 0
}

/* SyncWaits.release */
inline release() {
  if
  :: hasWaiters && firstWaiter < PROGRESS_SYNCED ->
     d_step {
       reached = (PROGRESS_SYNCED < lastCommitted -> PROGRESS_SYNCED : lastCommitted);
       settled = settled + (reached - firstWaiter);
       firstWaiter = reached;
       acknowledged = reached;
       reached = 0
     }
  :: else
  fi
}

/* CommitPipeline.#advance: claim, APPENDED, the bytes, publish; or it stays the current one. */
inline advance() {
  stamp = RING_CONSUMED;
  if
  :: RING_CLAIMED - RING_CONSUMED < RING_RECORDS_MAX ->
     d_step { RING_CLAIMED++; PROGRESS_APPENDED++ };
     published++;
     ringBell(THREAD_WAL, REASON_APPENDED);
     d_step { lastCommitted = PROGRESS_APPENDED; hasCurrent = 0 }
  :: else
  fi
}

/* CommitPipeline.poll, #fail */
inline poll() {
  watched = 0;
  if
  :: hasFailed ->
     release();
     d_step {
       /* ERR_MANIFOLD_INDETERMINATE, and ERR_MANIFOLD_POISONED for what was not appended. */
       settled = settled + (lastCommitted - firstWaiter) + hasCurrent;
       firstWaiter = lastCommitted;
       hasCurrent = 0;
       watchedByHost = 0;
       BELL_INTEREST[THREAD_MAIN] = 0
     }
  :: else ->
     release();
     if
     :: hasCurrent -> advance()
     :: else
     fi;
     release();
     watch()
  fi
}

proctype main() {
  byte lastCommitted, firstWaiter, stamp, interest, watched, watchedByHost, reached;
  byte phase = OPEN;
  bit hasCurrent, due, isWaiting, isScheduled, isExitSeen;
  do
  :: phase == OPEN && submitted < COMMITS && !hasCurrent ->
     submitted++;
     if
     :: hasFailed -> settled++
     :: else -> hasCurrent = 1; advance(); watch()
     fi
     /* ThreadHost.#onRing */
  :: atomic { isWaiting && !isAsleep[THREAD_MAIN] -> isWaiting = 0 };
     if
     :: watchedByHost != 0 -> poll()
     :: else
     fi
  :: isScheduled ->
     isScheduled = 0;
     if
     :: watchedByHost != 0 -> poll()
     :: else
     fi
     /* The exit event of the worker. */
  :: isWalExited && !isExitSeen ->
     isExitSeen = 1;
     if
#ifdef BUG_DEATH_UNSEEN
     :: PROGRESS_SHUTDOWN == RUNNING -> setFailure(FAILURE_WORKER)
#else
     :: PROGRESS_SHUTDOWN == RUNNING || !isWalOrderly -> setFailure(FAILURE_WORKER)
#endif
     :: else
     fi
     /* Database.close */
#ifdef CLOSES_EARLY
  :: phase == OPEN -> phase = CLOSING
#else
  :: phase == OPEN && submitted == COMMITS && settled == submitted -> phase = CLOSING
#endif
  :: phase == CLOSING && (!hasCurrent || hasFailed) ->
     PROGRESS_SHUTDOWN = (hasFailed -> SHUTDOWN_NOW : SHUTDOWN_DRAIN);
     ringAllBells(REASON_ANY);
     phase = STOPPING
  :: phase == STOPPING && isExitSeen -> break
  od;
  poll();
  /* Nobody is left for rejectAll(closedError): a commit that was appended is not refused so. */
  assert(!hasWaiters && !hasCurrent);
  assert(settled == submitted);
  isClosed = 1
}

/* --- the power cut ----------------------------------------------------------------------------- */

#ifdef POWER_CUT
/*
 * Judges what recovery finds after a power cut now, and leaves the state as it was. Of the blocks
 * that no sync covers, each may be lost, torn (its header counts as a witness) or whole.
 */
proctype powerCut() {
  byte at, recovered, witness;
  bit isEnd;
end:
  do
  :: atomic {
       do
       :: at < blocks ->
          if
          :: !isGarbage[at] ->
             witness = (blockWatermark[at] > witness -> blockWatermark[at] : witness);
             recovered = (isEnd -> recovered : blockLastSequence[at])
          :: at >= durableBlocks || isGarbage[at] ->
             witness = (blockWatermark[at] > witness -> blockWatermark[at] : witness);
             isEnd = 1
          :: at >= durableBlocks -> isEnd = 1
          fi;
          at++
       :: else -> break
       od;
       assert(acknowledged <= recovered);
       assert(recovered <= PROGRESS_APPENDED);
       /* Otherwise the scan says ERR_MANIFOLD_CORRUPT. */
       assert(witness <= recovered);
       at = 0; recovered = 0; witness = 0; isEnd = 0
     }
  od
}
#endif

init {
  atomic {
    run main();
    run wal();
#ifdef WORKER_DIES
    run death();
#endif
#ifdef POWER_CUT
    run powerCut();
#endif
    skip
  }
}

/* Every commit is acknowledged or refused, and close ends. */
ltl settles { [] ((submitted == COMMITS) -> <> (settled == COMMITS)) }
ltl closes { <> isClosed }
