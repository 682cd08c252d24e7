/*
 * The failure word and the stages of an orderly shutdown.
 * code: packages/storage/src/failure/failure.ts, packages/storage/src/layout/progress.ts
 */
#define FAILURE_NONE 0
#define FAILURE_SYNC 1
#define FAILURE_LOG_WRITE 2
#define FAILURE_DATA_WRITE 3
#define FAILURE_WORKER 4

#define RUNNING 0
#define SHUTDOWN_DRAIN 1
#define SHUTDOWN_NOW 2

byte PROGRESS_FAILURE = FAILURE_NONE;
byte PROGRESS_SHUTDOWN = RUNNING;

#define hasFailed (PROGRESS_FAILURE != FAILURE_NONE)

/* The first one wins (compareExchange), then everybody is rung. */
inline setFailure(code) {
  if
  :: atomic { PROGRESS_FAILURE == FAILURE_NONE -> PROGRESS_FAILURE = code };
     ringAllBells(REASON_ANY)
  :: PROGRESS_FAILURE != FAILURE_NONE
  fi
}
