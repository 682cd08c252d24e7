/*
 * Room: log space, frames and the checkpoints that give them back, with all three threads asleep
 * and awake. A commit needs a frame before it is built and log space before it has a sequence; both
 * come back with a checkpoint; a checkpoint needs commits that are synced, and, in mode sequential,
 * published by the main thread. Nobody may wait for ever, and close must end.
 * code: packages/core/src/engine.ts, commit.ts, build/admission.ts, apply/applier.ts, database.ts,
 *       supervise/thread-host.ts; packages/storage/src/ring/log-admission.ts;
 *       packages/apply-worker/src/main.ts, apply-loop.ts, publish.ts, segments.ts,
 *       checkpoint/triggers.ts, checkpoint/checkpointer.ts; packages/wal-worker/src/wal-loop.ts
 *
 * A commit takes one frame and one segment: both are short by design. The main thread blocks for a
 * frame (Engine.waitForFrames), as an interactive transaction does while other commits are under
 * way; for log space it waits with the event loop awake. Memory is asked for by requests alone:
 * checkpointIntervalMs is 0.
 *
 * Configurations
 * SEQUENTIAL     mode sequential: the main thread publishes what is synced; otherwise pipelined
 * ASYNC          with AWAITS: durability 'async', so that a commit is awaited at the end only
 * TRANSACTIONS   every commit is that of an interactive transaction
 * PLENTY_OF_LOG  there are segments enough, so that frames alone are short
 * SYNC_ERRORS    a sync of the log may fail
 * DATA_ERRORS    a checkpoint may fail
 * AWAITS         the user awaits each commit, and at the end what was applied, and closes then;
 *                otherwise close comes at any moment
 *
 * Variants
 * BUG_NO_PUBLISH      mode sequential: who waits for frames does not publish what was synced
 * BUG_NO_SPACE_BELL   a segment is ready and the main thread is not rung
 * BUG_NO_REQUEST_BELL a checkpoint is requested and the apply worker is not rung
 * BUG_NO_IDLE_BELL    the fsync worker goes to sleep without telling the apply worker
 * BUG_STARVED_SLEEPS  the apply worker sleeps when it has just found that only a checkpoint helps
 * BUG_LATE_SHUTDOWN   the fsync worker looks at the ring first and at the shutdown word then
 * BUG_SYNCED_FIRST    the push looks at SYNCED before the entry is in the queue
 * BUG_LATE_STAMP      Admission.beginAttempt takes its stamp after the attempt
 */
#ifndef COMMITS
#define COMMITS 3
#endif
#ifndef FRAMES
#define FRAMES 2
#endif
#ifndef SEGMENTS_MAX
#define SEGMENTS_MAX 2
#endif
#define RING_RECORDS_MAX 1
#define CHECKPOINTS_WAITED_FOR 2

#define COARSE_BELLS
#include "bells.pml"
#include "failure.pml"

byte PROGRESS_APPENDED;
byte PROGRESS_SYNCED;
byte PROGRESS_APPLIED;
byte PROGRESS_CHECKPOINTED;
byte PROGRESS_CHECKPOINT_WANTED;
byte PROGRESS_CHECKPOINT_DONE;
byte RING_CONSUMED;
#ifdef PLENTY_OF_LOG
byte LOG_PREPARED_SEGMENT = COMMITS + 1;
#else
byte LOG_PREPARED_SEGMENT = 1;
#endif
byte LOG_WRITING_SEGMENT = 1;
byte LOG_OLDEST_SEGMENT = 1;
byte LOG_WANTED_SEGMENTS;
/* Commits pushed: the end of the queue. */
byte QUEUE_HEAD;
/* Frames that no diff has: dirty ones come back when a checkpoint has written them. */
byte FRAMES_FREE_COUNT = FRAMES;

byte submitted;
byte settled;
bit isClosed;
bit isWalExited;
bit isApplyExited;


/* Whether the frame of the running diff is taken; the commit has no sequence yet. */
#define OPEN 0
#define CLOSING 1
#define STOPPING 2

/* CommitApplier.needsSync: appended, and not published yet; another mode never does. */
#ifdef SEQUENTIAL
#define needsSync (PROGRESS_APPENDED > PROGRESS_APPLIED)
#else
#define needsSync false
#endif

/* --- the main thread --------------------------------------------------------------------------- */

#define hasWaiters (PROGRESS_APPENDED > firstWaiter)
/* An operation that waits for admission (submitted), or for log space (built). */
#define isIdle (operation == NONE)
mtype = { NONE, WAITING, BUILT };

/* Admission.currentStamp: it changes when anything has changed that makes room. */
#define currentStamp \
  (2 * (LOG_PREPARED_SEGMENT + PROGRESS_CHECKPOINT_DONE + RING_CONSUMED) + needsSync)

/* CommitApplier.applySynced: in mode sequential one commit is in flight. */
inline applySynced() {
#ifdef SEQUENTIAL
  if
  :: PROGRESS_APPENDED > PROGRESS_APPLIED && PROGRESS_SYNCED == PROGRESS_APPENDED ->
     assert(PROGRESS_APPENDED == PROGRESS_APPLIED + 1);
     PROGRESS_APPLIED = PROGRESS_APPENDED
  :: else
  fi
#else
  skip
#endif
}

inline requestCheckpoint() {
  d_step {
    PROGRESS_CHECKPOINT_WANTED++;
#ifndef BUG_NO_REQUEST_BELL
    ringBell(THREAD_APPLY, REASON_REQUEST);
#endif
    request = PROGRESS_CHECKPOINT_WANTED
  }
}

/* Engine.waitForFrames blocks the thread; only a ring wakes it here, its own looks are left out. */
inline waitForFrames() {
  checkpoints = 0;
  do
  :: prepareToSleep(THREAD_MAIN, REASON_ANY);
#ifndef BUG_NO_PUBLISH
     applySynced();
#endif
     if
     :: hasFailed -> break
     :: else
     fi;
     if
     :: atomic { FRAMES_FREE_COUNT > 0 -> FRAMES_FREE_COUNT--; hasFrame = 1 }; break
     :: FRAMES_FREE_COUNT == 0
     fi;
     if
     :: checkpoints > 0 && PROGRESS_CHECKPOINT_DONE < request -> sleepOnBell(THREAD_MAIN)
     :: else ->
        if
        :: checkpoints == CHECKPOINTS_WAITED_FOR -> break
        :: else ->
           checkpoints++;
           requestCheckpoint();
           sleepOnBell(THREAD_MAIN)
        fi
     fi
  od;
  cancelSleep(THREAD_MAIN);
  d_step { checkpoints = 0; request = 0; BELL_RINGS[THREAD_MAIN] = 1 }
}

/* Admission.brake, then the build. */
inline build() {
  stamp = currentStamp;
  if
  :: needsSync -> skip
  :: else ->
     if
     :: !hasFrame -> waitForFrames()
     :: hasFrame
     fi;
     if
     :: hasFrame -> operation = BUILT
        /* ERR_MANIFOLD_FULL, or ERR_MANIFOLD_POISONED */
     :: !hasFrame -> d_step { operation = NONE; settled++ }
     fi
  fi
}

/* CommitPipeline.#advance: log space, sequence, bytes, queue. */
inline append() {
#ifndef BUG_LATE_STAMP
  stamp = currentStamp;
#endif
  /* admitLogSpace: the consumed counter is loaded before the segment being written. */
  needed = PROGRESS_APPENDED - RING_CONSUMED + 1;
  if
  :: LOG_PREPARED_SEGMENT - LOG_WRITING_SEGMENT >= needed && needed <= RING_RECORDS_MAX ->
     d_step {
       LOG_WANTED_SEGMENTS = 0;
       PROGRESS_APPENDED++;
       needed = 0;
       ringBell(THREAD_WAL, REASON_APPENDED)
     };
#ifdef BUG_SYNCED_FIRST
     due = (PROGRESS_SYNCED == PROGRESS_APPENDED);
     QUEUE_HEAD++;
#else
     QUEUE_HEAD++;
     due = (PROGRESS_SYNCED == PROGRESS_APPENDED);
#endif
     d_step {
       if
       :: due -> ringBell(THREAD_APPLY, REASON_REQUEST)
       :: else
       fi;
       operation = NONE;
       hasFrame = 0;
       due = 0
     }
  :: else ->
     d_step {
       if
       :: needed <= RING_RECORDS_MAX ->
          LOG_WANTED_SEGMENTS = needed;
          ringBell(THREAD_APPLY, REASON_REQUEST)
       :: else
       fi;
       needed = 0
     }
#ifdef BUG_LATE_STAMP
     ;
     stamp = currentStamp
#endif
  fi
}

/* SyncWaits.release, after CommitApplier.applySynced: CommitPipeline.#release */
inline release() {
  applySynced();
  if
  :: hasWaiters && firstWaiter < PROGRESS_SYNCED ->
     d_step {
       settled = settled + (PROGRESS_SYNCED - firstWaiter);
       firstWaiter = PROGRESS_SYNCED
     }
  :: else
  fi
}

/* CommitPipeline.#isDue */
inline isDue(result) {
  if
  :: hasFailed || (hasWaiters && firstWaiter < PROGRESS_SYNCED) ||
     (needsSync && PROGRESS_SYNCED == PROGRESS_APPENDED) ->
     result = 1
  :: else ->
     if
     :: !isIdle && stamp != currentStamp -> d_step { stamp = currentStamp; result = 1 }
     :: else -> result = 0
     fi
  fi
}

/* CommitPipeline.#watch, ThreadHost.#arm */
inline watch() {
  interest = ((hasWaiters || needsSync) -> REASON_SYNCED : 0) | (!isIdle -> REASON_ANY : 0);
  watchedByHost = interest;
  if
  :: interest == 0 -> BELL_INTEREST[THREAD_MAIN] = 0
  :: else ->
     prepareToSleep(THREAD_MAIN, interest);
     isDue(due);
     if
     :: due -> isScheduled = 1
     :: !due && isWaiting
     :: !due && !isWaiting ->
        if
        :: atomic { BELL_RINGS[THREAD_MAIN] == 0 -> isAsleep[THREAD_MAIN] = 1; isWaiting = 1 }
        :: BELL_RINGS[THREAD_MAIN] != 0 -> isScheduled = 1
        fi
     fi
  fi;
  d_step { interest = 0; due = 0; BELL_RINGS[THREAD_MAIN] = 1; stamp = (isIdle -> 0 : stamp) }
}

inline poll() {
  if
  :: hasFailed ->
     release();
     d_step {
       settled = settled + (PROGRESS_APPENDED - firstWaiter) + !isIdle;
       firstWaiter = PROGRESS_APPENDED;
       operation = NONE;
       hasFrame = 0;
       watchedByHost = 0;
       BELL_INTEREST[THREAD_MAIN] = 0
     }
  :: else ->
     release();
     if
     :: operation == WAITING -> build()
     :: else
     fi;
     if
     :: operation == BUILT -> append()
     :: else
     fi;
     release();
     watch()
  fi
}

proctype main() {
  byte firstWaiter, stamp, interest, watchedByHost, request, checkpoints, needed;
  mtype operation = NONE;
  byte phase = OPEN;
  bit due, isWaiting, isScheduled, hasFrame;
  do
#if defined(AWAITS) && !defined(ASYNC)
  :: phase == OPEN && submitted < COMMITS && isIdle && settled == submitted ->
#else
  :: phase == OPEN && submitted < COMMITS && isIdle ->
#endif
     submitted++;
     if
     :: hasFailed -> settled++
     :: else ->
        operation = WAITING;
        if
           /* An interactive transaction takes its memory before it is submitted. */
        :: waitForFrames();
           if
           :: !hasFrame -> d_step { operation = NONE; settled++ }
           :: hasFrame
           fi
#ifndef TRANSACTIONS
        :: true
#endif
        fi;
        if
        :: operation == WAITING -> build()
        :: else
        fi;
        if
        :: operation == BUILT -> append()
        :: else
        fi;
        watch()
     fi
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
     /* Database.close: whenIdle, whenPublished, then the workers drain. */
#ifdef AWAITS
     /* And waitForApply before it. */
  :: phase == OPEN && submitted == COMMITS && settled == COMMITS &&
     (PROGRESS_APPLIED == PROGRESS_APPENDED || hasFailed) -> phase = CLOSING
#else
  :: phase == OPEN -> phase = CLOSING
#endif
  :: phase == CLOSING && ((isIdle && !needsSync) || hasFailed) ->
     d_step {
       PROGRESS_SHUTDOWN = (hasFailed -> SHUTDOWN_NOW : SHUTDOWN_DRAIN);
       ringAllBells(REASON_ANY);
       phase = STOPPING
     }
  :: phase == STOPPING && isWalExited && isApplyExited -> break
  od;
  poll();
  assert(!hasWaiters && isIdle);
  assert(settled == submitted);
  /* A clean close leaves nothing that only the log has. */
  assert(hasFailed || PROGRESS_CHECKPOINTED == PROGRESS_APPENDED);
  isClosed = 1
}

/* --- the fsync worker -------------------------------------------------------------------------- */

/* WalLoop.ringApplyWorkers: before the thread sleeps, and when it stops. */
inline ringApplyWorkers() {
#ifdef BUG_NO_IDLE_BELL
  skip
#else
  d_step {
    if
    :: told != PROGRESS_SYNCED ->
       told = PROGRESS_SYNCED;
       ringBell(THREAD_APPLY, REASON_SYNCED)
    :: else
    fi
  }
#endif
}

/* WalLoop.hasWork */
#define walHasWork \
  (PROGRESS_SHUTDOWN == SHUTDOWN_NOW || hasFailed || PROGRESS_APPENDED > RING_CONSUMED || \
   PROGRESS_SHUTDOWN == SHUTDOWN_DRAIN)

proctype wal() {
  byte told, shutdown;
  bit isSegmentUsed;
  do
  ::
#ifndef BUG_LATE_SHUTDOWN
     shutdown = PROGRESS_SHUTDOWN;
#endif
     if
     :: shutdown == SHUTDOWN_NOW || hasFailed -> break
     :: else
     fi;
     if
     :: PROGRESS_APPENDED > RING_CONSUMED ->
        /* A segment takes one record: the one before was synced, so it is left. */
        if
        :: isSegmentUsed ->
           assert(LOG_WRITING_SEGMENT < LOG_PREPARED_SEGMENT);
           d_step { LOG_WRITING_SEGMENT++; ringBell(THREAD_APPLY, REASON_REQUEST) }
        :: else
        fi;
        d_step {
          isSegmentUsed = 1;
          RING_CONSUMED++;
          ringBell(THREAD_MAIN, REASON_WRITTEN | REASON_SPACE)
        };
        if
        :: d_step { PROGRESS_SYNCED = RING_CONSUMED; ringBell(THREAD_MAIN, REASON_SYNCED) }
#ifdef SYNC_ERRORS
        :: setFailure(FAILURE_SYNC); break
#endif
        fi
     :: else ->
#ifdef BUG_LATE_SHUTDOWN
        shutdown = PROGRESS_SHUTDOWN;
#endif
        if
        :: shutdown == SHUTDOWN_DRAIN -> break
        :: else
        fi;
        ringApplyWorkers();
        prepareToSleep(THREAD_WAL, REASON_APPENDED | REASON_REQUEST);
        if
        :: walHasWork -> cancelSleep(THREAD_WAL)
        :: else -> sleepOnBell(THREAD_WAL)
        fi
     fi;
     shutdown = 0
  od;
  ringApplyWorkers();
  d_step { isWalExited = 1; told = 0; isSegmentUsed = 0; shutdown = 0; BELL_INTEREST[THREAD_WAL] = 0 }
}

/* --- apply worker 0 ---------------------------------------------------------------------------- */

mtype = { NOT_RUNNING, WRITE_PAGES, FINISH };
#define dueSequence (taken < PROGRESS_SYNCED -> taken : PROGRESS_SYNCED)

/* Commit s stands in segment s. */
#define oldestNeededSegment(sequence) \
  ((sequence) + 1 < LOG_WRITING_SEGMENT -> (sequence) + 1 : LOG_WRITING_SEGMENT)

/* ApplyLoop.#beginCheckpoint, CheckpointTriggers.reason */
inline beginCheckpoint() {
  d_step {
    isAheadOfMain = 0;
    if
    :: phase != NOT_RUNNING
    :: phase == NOT_RUNNING && staged == durable && oldestNeededSegment(durable) <= LOG_OLDEST_SEGMENT ->
       /* answerRequests */
       if
       :: PROGRESS_CHECKPOINT_WANTED != PROGRESS_CHECKPOINT_DONE ->
          PROGRESS_CHECKPOINT_DONE = PROGRESS_CHECKPOINT_WANTED;
          ringBell(THREAD_MAIN, REASON_REQUEST)
       :: else
       fi
    :: else ->
       if
       :: PROGRESS_CHECKPOINT_WANTED != PROGRESS_CHECKPOINT_DONE || isStarved ||
          (isShuttingDown && staged > durable && staged == PROGRESS_APPENDED) ->
          isAheadOfMain = (PROGRESS_APPLIED < staged);
          if
          :: !isAheadOfMain ->
             frozen = staged;
             wanted = PROGRESS_CHECKPOINT_WANTED;
             phase = WRITE_PAGES;
             worked = 1
          :: else
          fi
       :: else
       fi
    fi
  }
}

inline checkpointStep() {
  if
  :: phase == WRITE_PAGES ->
     if
     :: d_step {
          FRAMES_FREE_COUNT = FRAMES_FREE_COUNT + (frozen - durable);
          phase = FINISH;
          worked = 1
        }
#ifdef DATA_ERRORS
     :: setFailure(FAILURE_DATA_WRITE); goto stopped
#endif
     fi
  :: phase == FINISH ->
     d_step {
       durable = frozen;
       frozen = 0;
       obsolete = obsolete + (oldestNeededSegment(durable) - LOG_OLDEST_SEGMENT);
       LOG_OLDEST_SEGMENT = oldestNeededSegment(durable);
       worked = 1
     };
     d_step {
       PROGRESS_CHECKPOINTED = durable;
       PROGRESS_CHECKPOINT_DONE = wanted;
       ringBell(THREAD_MAIN, REASON_APPLIED | REASON_REQUEST | REASON_SPACE);
       wanted = 0;
       phase = NOT_RUNNING
     }
  :: phase == NOT_RUNNING
  fi
}

/* Segments.step */
inline segmentsStep() {
  d_step {
    wasStarved = isStarved;
    isStarved = 0;
    if
    :: LOG_PREPARED_SEGMENT - LOG_WRITING_SEGMENT < LOG_WANTED_SEGMENTS ->
       if
       :: obsolete == 0 && LOG_PREPARED_SEGMENT - LOG_OLDEST_SEGMENT + 1 >= SEGMENTS_MAX ->
          isStarved = 1;
#ifndef BUG_STARVED_SLEEPS
          worked = (worked || !wasStarved)
#endif
       :: else ->
          obsolete = (obsolete > 0 -> obsolete - 1 : 0);
          LOG_PREPARED_SEGMENT++;
          worked = 1;
#ifndef BUG_NO_SPACE_BELL
          ringBell(THREAD_MAIN, REASON_SPACE | REASON_REQUEST);
#endif
          ringBell(THREAD_WAL, REASON_REQUEST)
       fi
    :: else
    fi;
    wasStarved = 0
  }
}

/* ApplyLoop.step */
inline applyStep() {
  if
  :: hasFailed || PROGRESS_SHUTDOWN == SHUTDOWN_NOW -> goto stopped
  :: else
  fi;
  d_step { worked = 0; isShuttingDown = (PROGRESS_SHUTDOWN == SHUTDOWN_DRAIN) };
  if
  :: taken != QUEUE_HEAD -> d_step { taken = QUEUE_HEAD; worked = 1 }
  :: else
  fi;
  beginCheckpoint();
  if
  :: dueSequence > staged ->
     d_step {
       staged = dueSequence;
#ifndef SEQUENTIAL
       PROGRESS_APPLIED = staged;
#endif
       ringBell(THREAD_MAIN, REASON_APPLIED | REASON_SPACE);
       worked = 1
     }
  :: else
  fi;
  if
  :: !isShuttingDown -> segmentsStep()
  :: else
  fi;
  checkpointStep();
  if
  :: !worked && isShuttingDown && staged == PROGRESS_APPENDED && phase == NOT_RUNNING ->
     goto stopped
  :: else
  fi
}

proctype apply() {
  byte taken, staged, durable, frozen, wanted, obsolete;
  bit isStarved, wasStarved, isShuttingDown, isAheadOfMain, worked;
  mtype phase = NOT_RUNNING;
  do
  :: applyStep();
     if
     :: worked
     :: else ->
        /* Declared before the step that looks once more: what changes after that step rings. */
        prepareToSleep(THREAD_APPLY, REASON_SYNCED | REASON_APPLIED | REASON_SPACE | REASON_REQUEST);
        applyStep();
        if
        :: worked -> cancelSleep(THREAD_APPLY)
        :: !worked && !isAheadOfMain -> sleepOnBell(THREAD_APPLY)
           /* ApplyLoop.sleepMs: nobody rings when the main thread publishes a root set. */
        :: !worked && isAheadOfMain ->
           (PROGRESS_APPLIED >= staged || BELL_RINGS[THREAD_APPLY] != 0);
           cancelSleep(THREAD_APPLY)
        fi
     fi
  od;
stopped:
  skip;
  d_step {
    isApplyExited = 1;
    taken = 0; staged = 0; durable = 0; frozen = 0; wanted = 0; obsolete = 0;
    isStarved = 0; isShuttingDown = 0; isAheadOfMain = 0; worked = 0;
    phase = NOT_RUNNING;
    BELL_INTEREST[THREAD_APPLY] = 0
  }
}

init {
  atomic {
    run main();
    run wal();
    run apply()
  }
}

ltl settles { [] ((submitted == COMMITS) -> <> (settled == COMMITS)) }
ltl closes { <> isClosed }
