/*
 * Apply, checkpoints, log segments and the reuse of pages: copy-on-write pages go to the data file
 * with a checkpoint; segments and page numbers come back when nobody needs them; snapshots and
 * readers look at old versions meanwhile; the power may be cut at any moment.
 * code: packages/apply-worker/src/apply-loop.ts, publish.ts, drain.ts, segments.ts, page-account.ts,
 *       checkpoint/checkpointer.ts, retire/retirement.ts, retire/pin-set.ts;
 *       packages/storage/src/log-files/log-space.ts, roots/snapshot-rows.ts
 *
 * A tree is one page, a commit changes the tree of one column family. So a commit makes one page,
 * and its birth stands for everything in it: births 0 and 1 are the first pages of the families,
 * commit s makes birth s + 1. A version is the sequence of its newest commit; it reaches, of each
 * family, the page of the newest birth that is not behind it.
 *
 * Configurations
 * SNAPSHOTS   the main thread pins a newest version, and reads it later
 * READER      an operation reads the published root set meanwhile, and may pin it
 * PLAIN_LOG   the log is one segment, written and synced in one step: for the two above
 * POWER_CUT   recovery after a power cut at any moment; otherwise every thread must come to its end
 *
 * Variants
 * BUG_B4              gives up all segments before the one being written
 * BUG_B8              reuses pages that the durable checkpoint reaches
 * BUG_RECYCLE_EARLY   gives up segments before the meta page that allows it is durable
 * BUG_PAGES_NOT_SYNCED  writes the meta page before the pages are synced (B7)
 * BUG_RUNNING_UNHELD  the running checkpoint is not a reader
 * BUG_NO_AGING        pages are free although a reader is on its way to them
 * BUG_PINS_ONCE       pins are not looked at once more after the age
 */
#ifndef COMMITS
#define COMMITS 4
#endif
#ifndef PAGES
#define PAGES 6
#endif
/* Commits that fit a segment, and segments that walBytesMax allows. */
#ifdef PLAIN_LOG
#define SEGMENT_RECORDS COMMITS
#endif
#ifndef SEGMENT_RECORDS
#define SEGMENT_RECORDS 1
#endif
#ifndef SEGMENTS_MAX
#define SEGMENTS_MAX 2
#endif
#define BIRTHS (COMMITS + 2)
#define SEGMENT_ROWS 8

#define NO_PAGE 0
#define NO_BIRTH 15
#define NO_SEQUENCE 15

/* layout/progress.ts, layout/log-space.ts, layout/roots.ts, layout/snapshots.ts */
byte PROGRESS_APPENDED;
byte PROGRESS_WRITTEN;
byte PROGRESS_SYNCED;
byte PROGRESS_APPLIED;
byte PROGRESS_CHECKPOINTED;
byte LOG_PREPARED_SEGMENT = 2;
byte LOG_WRITING_SEGMENT = 1;
byte LOG_OLDEST_SEGMENT = 1;
byte LOG_SEGMENT_ROWS[SEGMENT_ROWS];
byte ROOTS_PUBLISHED;
byte SNAPSHOTS_EPOCH;
#define ROW_OF_MAIN 0
#define ROW_OF_READER 1
byte SNAPSHOT_SEQUENCE[2] = NO_SEQUENCE; /* NO_SEQUENCE: SNAPSHOT_STATE is free */
/* EPOCH_SLOTS of the reader: whether it is inside an operation. */
bit isReading;

bit isMainDone;
bit isReaderDone;

/* What the commits are made of: by birth. */
byte pageOf[BIRTHS];
bit familyOf[BIRTHS];
byte supersededAt[BIRTHS] = NO_SEQUENCE;

/* What stands in the frame of a page: by page number, a birth. */
byte frameOf[PAGES + 1] = NO_BIRTH;
/* A bit per page number: PAGES_FREE_COUNT and the stack. */
byte freePages;

/* The data file: what is durable, and what was written over it since the last sync. */
byte durablePage[PAGES + 1] = NO_BIRTH;
byte unsyncedPage[PAGES + 1] = NO_BIRTH;
byte durableMeta;
byte durableMetaSegment = 1;
bit isMetaUnsynced;
byte unsyncedMeta;
byte unsyncedMetaSegment;
/* The log: newest sequence that a sync covers, and the segment files by number, a bit each. */
byte durableLog;
byte segmentFiles = 6;

#define bitOf(n) (1 << (n))
#define segmentOf(sequence) (((sequence) - 1) / SEGMENT_RECORDS + 1)

/* The birth that `version` reaches in `family`. */
inline findRoot(version, family, birth) {
  birth = version + 1;
  do
  :: familyOf[birth] == family -> break
  :: else -> birth--
  od
}

/* --- the main thread --------------------------------------------------------------------------- */

inline readVersion(version, family, birth) {
  d_step {
    findRoot(version, family, birth);
    assert(frameOf[pageOf[birth]] == birth);
    birth = 0
  }
}

proctype main() {
  byte page, birth, before, admitted[2];
  bit family, hasPinned;
  admitted[1] = 1;
  do
  :: PROGRESS_APPENDED < COMMITS && freePages != 0 &&
     segmentOf(PROGRESS_APPENDED + 1) <= LOG_PREPARED_SEGMENT ->
     if
     :: family = 0
     :: PROGRESS_APPENDED != 0 -> family = 1
     fi;
     /* Build: a page number from the stack, its frame filled. */
     d_step {
       page = 1;
       do
       :: (freePages & bitOf(page)) != 0 -> break
       :: else -> page++
       od;
       freePages = freePages & ~bitOf(page);
       frameOf[page] = PROGRESS_APPENDED + 2
     };
     /* Append, and push the PendingCommit. */
     d_step {
       birth = PROGRESS_APPENDED + 2;
       before = admitted[family];
       pageOf[birth] = page;
       familyOf[birth] = family;
       supersededAt[before] = PROGRESS_APPENDED + 1;
       admitted[family] = birth;
       PROGRESS_APPENDED++;
       page = 0; birth = 0; before = 0; family = 0
     }
#ifdef SNAPSHOTS
     /* snapshot(): a pin at the newest version, between two commits. */
  :: !hasPinned && PROGRESS_APPENDED > 0 && PROGRESS_APPENDED < COMMITS ->
     hasPinned = 1;
     SNAPSHOT_SEQUENCE[ROW_OF_MAIN] = PROGRESS_APPENDED;
     SNAPSHOTS_EPOCH++
  :: SNAPSHOT_SEQUENCE[ROW_OF_MAIN] != NO_SEQUENCE ->
     readVersion(SNAPSHOT_SEQUENCE[ROW_OF_MAIN], 0, birth);
     readVersion(SNAPSHOT_SEQUENCE[ROW_OF_MAIN], 1, birth);
     SNAPSHOT_SEQUENCE[ROW_OF_MAIN] = NO_SEQUENCE;
     SNAPSHOTS_EPOCH++
#endif
  :: PROGRESS_APPENDED == COMMITS && SNAPSHOT_SEQUENCE[ROW_OF_MAIN] == NO_SEQUENCE -> break
  od;
  isMainDone = 1
}

/* An operation that reads the published root set, and may pin it, then reads it again later. */
#ifdef READER
proctype reader() {
  byte version, birth;
  isReading = 1;
  /* readSet: the version word is read again, so that the copy is of one set. */
  version = ROOTS_PUBLISHED;
  readVersion(version, 0, birth);
  if
  :: SNAPSHOT_SEQUENCE[ROW_OF_READER] = version;
     SNAPSHOTS_EPOCH++
  :: true
  fi;
  readVersion(version, 1, birth);
  isReading = 0;
  if
  :: SNAPSHOT_SEQUENCE[ROW_OF_READER] != NO_SEQUENCE ->
     readVersion(version, 0, birth);
     readVersion(version, 1, birth);
     SNAPSHOT_SEQUENCE[ROW_OF_READER] = NO_SEQUENCE;
     SNAPSHOTS_EPOCH++
  :: else
  fi;
  d_step { isReaderDone = 1; version = 0 }
}
#endif

/* --- the fsync worker ------------------------------------------------------------------------- */

proctype wal() {
#ifdef PLAIN_LOG
  do
  :: d_step {
       PROGRESS_SYNCED < PROGRESS_APPENDED ->
       PROGRESS_WRITTEN = PROGRESS_APPENDED;
       durableLog = PROGRESS_APPENDED;
       PROGRESS_SYNCED = PROGRESS_APPENDED
     }
#else
  byte captured;
  do
  :: PROGRESS_WRITTEN < PROGRESS_APPENDED &&
     segmentOf(PROGRESS_WRITTEN + 1) == LOG_WRITING_SEGMENT -> PROGRESS_WRITTEN++
  :: captured < PROGRESS_WRITTEN ->
     captured = PROGRESS_WRITTEN;
     durableLog = captured;
     PROGRESS_SYNCED = captured
     /* A segment is left after a sync: its row first, then the number of the next one. */
  :: PROGRESS_WRITTEN < PROGRESS_APPENDED && captured == PROGRESS_WRITTEN &&
     segmentOf(PROGRESS_WRITTEN + 1) > LOG_WRITING_SEGMENT ->
     assert(LOG_WRITING_SEGMENT < LOG_PREPARED_SEGMENT);
     LOG_SEGMENT_ROWS[LOG_WRITING_SEGMENT] = PROGRESS_WRITTEN;
     LOG_WRITING_SEGMENT++
#endif
  :: PROGRESS_SYNCED == COMMITS -> break
  od
}

/* --- apply worker 0 ---------------------------------------------------------------------------- */

/* Where a superseded page stands: Retirement's lists. */
#define LIVE 0
#define FRESH 1
#define HELD_BY_DURABLE 2
#define HELD_BY_RUNNING 3
#define HELD_BY_ROW_0 4
#define HELD_BY_ROW_1 5
#define REVIEW 6
#define LET_GO 7
#define AGING 8
#define AGED 9
#define RETIRED 10
#define GONE 11
mtype = { NOT_RUNNING, WRITE_PAGES, SYNC_PAGES, WRITE_META, SYNC_META, FINISH };

/* A pin {sequence, mark} holds a page: birth < mark, and superseded after the sequence. */
#define holds(sequence, birth) \
  ((sequence) != NO_SEQUENCE && (birth) <= (sequence) + 1 && (sequence) < supersededAt[birth])

/* Whether the pieces of a step have anything to do. */
#define isDue(birth) \
  (listOf[birth] == REVIEW || listOf[birth] == AGED || (listOf[birth] == AGING && !isReading) || \
   (listOf[birth] == FRESH && supersededAt[birth] <= PROGRESS_APPLIED))
#define needsRetirement \
  (epoch != SNAPSHOTS_EPOCH || isDue(0) || isDue(1) || isDue(2) || isDue(3) || moreDue)
#if COMMITS > 4
#define moreDue (isDue(4) || isDue(5) || isDue(6))
#elif COMMITS > 3
#define moreDue (isDue(4) || isDue(5))
#elif COMMITS > 2
#define moreDue isDue(4)
#else
#define moreDue false
#endif
/* Files that there may be: walBytesMax. Two segments ahead of the log are enough. */
#define segmentsThere (LOG_PREPARED_SEGMENT - LOG_OLDEST_SEGMENT + 1)
#define wantsSegment \
  (LOG_PREPARED_SEGMENT < segmentOf(COMMITS) && \
   LOG_PREPARED_SEGMENT - LOG_WRITING_SEGMENT < 2 && \
   (obsolete != 0 || segmentsThere < SEGMENTS_MAX))
#define isAtEnd \
  (isMainDone && isReaderDone && durable == COMMITS && phase == NOT_RUNNING && !needsRetirement)

#ifdef BUG_B8
#define holdsDurable(birth) false
#else
#define holdsDurable(birth) holds(durable, birth)
#endif
#ifdef BUG_RUNNING_UNHELD
#define holdsRunning(birth) false
#else
#define holdsRunning(birth) holds(running, birth)
#endif

/* PinSet.holderOf: to the list of whoever holds the page, or on to `letGo`. */
#define holderOf(birth, letGo) \
  (holdsDurable(birth) -> HELD_BY_DURABLE : \
  (holdsRunning(birth) -> HELD_BY_RUNNING : \
  (holds(pins[ROW_OF_MAIN], birth) -> HELD_BY_ROW_0 : \
  (holds(pins[ROW_OF_READER], birth) -> HELD_BY_ROW_1 : (letGo)))))

inline forEachBirth(before, after) {
  birth = 0;
  do
  :: birth < BIRTHS ->
     listOf[birth] = (listOf[birth] == (before) -> (after) : listOf[birth]);
     birth++
  :: else -> break
  od;
  birth = 0
}

/* PinSet.refresh, and the lists of the rows that are gone. The epoch is loaded first. */
inline refreshPins() {
  if
  :: epoch != SNAPSHOTS_EPOCH ->
     epoch = SNAPSHOTS_EPOCH;
     pin = SNAPSHOT_SEQUENCE[ROW_OF_MAIN];
     d_step {
       if
       :: pins[ROW_OF_MAIN] != pin -> forEachBirth(HELD_BY_ROW_0, REVIEW)
       :: else
       fi;
       pins[ROW_OF_MAIN] = pin
     };
     pin = SNAPSHOT_SEQUENCE[ROW_OF_READER];
     d_step {
       if
       :: pins[ROW_OF_READER] != pin -> forEachBirth(HELD_BY_ROW_1, REVIEW)
       :: else
       fi;
       pins[ROW_OF_READER] = pin;
       pin = 0
     }
  :: else
  fi
}

/* Retirement.step: classify what is published, let it age, retire what has aged. */
inline retirementStep() {
  refreshPins();
  d_step {
    birth = 0;
    do
    :: birth < BIRTHS ->
       if
       :: listOf[birth] == REVIEW ||
          (listOf[birth] == FRESH && supersededAt[birth] <= PROGRESS_APPLIED) ->
          listOf[birth] = holderOf(birth, LET_GO)
       :: else
       fi;
       birth++
    :: else -> break
    od;
    birth = 0
  };
  /* The epoch advances: whoever is inside an operation now may still be on its way to a page. */
  d_step {
#ifdef BUG_NO_AGING
    forEachBirth(LET_GO, AGED)
#else
    forEachBirth(LET_GO, (isReading -> AGING : AGED));
    if
    :: !isReading -> forEachBirth(AGING, AGED)
    :: else
    fi
#endif
  };
#ifndef BUG_PINS_ONCE
  refreshPins();
#endif
  d_step {
    birth = 0;
    do
    :: birth < BIRTHS ->
       listOf[birth] = (listOf[birth] == AGED -> holderOf(birth, RETIRED) : listOf[birth]);
       if
       :: listOf[birth] == RETIRED ->
          listOf[birth] = GONE;
          frameOf[pageOf[birth]] = NO_BIRTH;
          freePages = freePages | bitOf(pageOf[birth])
       :: else
       fi;
       birth++
    :: else -> break
    od;
    birth = 0
  }
}

/* ApplyGroups.open and close: the page account follows the commits of the group. */
inline applyGroup(sequence) {
  do
  :: staged < sequence ->
     d_step {
       staged++;
       assert((inUse & bitOf(pageOf[staged + 1])) == 0);
       inUse = inUse | bitOf(pageOf[staged + 1]);
       unwritten = unwritten | bitOf(pageOf[staged + 1]);
       birth = 0;
       do
       :: birth < BIRTHS ->
          if
          :: supersededAt[birth] == staged ->
             assert((inUse & bitOf(pageOf[birth])) != 0);
             inUse = inUse & ~bitOf(pageOf[birth]);
             unwritten = unwritten & ~bitOf(pageOf[birth]);
             listOf[birth] = FRESH
          :: else
          fi;
          birth++
       :: else -> break
       od;
       birth = 0
     }
  :: else -> break
  od;
  /* The root set before the watermark. */
  ROOTS_PUBLISHED = staged;
  PROGRESS_APPLIED = staged
}

/* The number of the segment being written is loaded before the rows. */
inline oldestNeededSegment(sequence, segment) {
  writing = LOG_WRITING_SEGMENT;
  d_step {
    segment = LOG_OLDEST_SEGMENT;
    do
    :: segment < writing && LOG_SEGMENT_ROWS[segment] <= sequence -> segment++
    :: else -> break
    od;
    writing = 0
  }
}

/* Segments.reclaim */
inline reclaim(oldest) {
  d_step {
    do
    :: LOG_OLDEST_SEGMENT < oldest ->
       obsolete = obsolete | bitOf(LOG_OLDEST_SEGMENT);
       LOG_OLDEST_SEGMENT++
    :: else -> break
    od
  }
}

inline checkpointStep() {
  if
  :: phase == WRITE_PAGES && frozenPages != 0 ->
     d_step {
       page = 1;
       do
       :: (frozenPages & bitOf(page)) != 0 -> break
       :: else -> page++
       od;
       frozenPages = frozenPages & ~bitOf(page);
       unsyncedPage[page] = frameOf[page];
       page = 0
     }
  :: phase == WRITE_PAGES && frozenPages == 0 -> phase = SYNC_PAGES
  :: phase == SYNC_PAGES ->
     d_step {
#ifndef BUG_PAGES_NOT_SYNCED
       page = 1;
       do
       :: page <= PAGES ->
          durablePage[page] =
            (unsyncedPage[page] != NO_BIRTH -> unsyncedPage[page] : durablePage[page]);
          unsyncedPage[page] = NO_BIRTH;
          page++
       :: else -> break
       od;
       page = 0;
#endif
       phase = WRITE_META
     }
  :: phase == WRITE_META ->
     oldestNeededSegment(running, segment);
     d_step {
       unsyncedMeta = running;
       unsyncedMetaSegment = segment;
       isMetaUnsynced = 1;
       phase = SYNC_META
     };
#ifdef BUG_RECYCLE_EARLY
     reclaim(segment);
#endif
     segment = 0
  :: phase == SYNC_META ->
     d_step {
       durableMeta = unsyncedMeta;
       durableMetaSegment = unsyncedMetaSegment;
       isMetaUnsynced = 0; unsyncedMeta = 0; unsyncedMetaSegment = 0;
       phase = FINISH
     }
  :: phase == FINISH ->
     d_step {
       /* Retirement.checkpointEnds */
       forEachBirth(HELD_BY_DURABLE, REVIEW);
#ifdef BUG_B8
       forEachBirth(HELD_BY_RUNNING, REVIEW);
#else
       forEachBirth(HELD_BY_RUNNING, HELD_BY_DURABLE);
#endif
       durable = running;
       running = NO_SEQUENCE
     };
#ifdef BUG_B4
     reclaim(LOG_WRITING_SEGMENT);
#else
     reclaim(durableMetaSegment);
#endif
     PROGRESS_CHECKPOINTED = durable;
     phase = NOT_RUNNING
  fi
}

/* Segments.step: an obsolete file gets a new number, or a new file is made. */
inline segmentsStep() {
  if
  :: obsolete != 0 ->
     d_step {
       segment = 1;
       do
       :: (obsolete & bitOf(segment)) != 0 -> break
       :: else -> segment++
       od;
       obsolete = obsolete & ~bitOf(segment);
       segmentFiles = segmentFiles & ~bitOf(segment);
       segment = 0
     }
  :: else
  fi;
  segmentFiles = segmentFiles | bitOf(LOG_PREPARED_SEGMENT + 1);
  LOG_PREPARED_SEGMENT++
}

proctype apply() {
  byte listOf[BIRTHS];
  byte staged, durable, epoch, page, birth, segment, writing, pin;
  byte running = NO_SEQUENCE;
  byte pins[2] = NO_SEQUENCE;
  byte inUse = 6; /* pages 1 and 2 */
  byte unwritten, frozenPages, obsolete;
  mtype phase = NOT_RUNNING;
  do
  :: staged < PROGRESS_SYNCED ->
     applyGroup(PROGRESS_SYNCED)
  :: needsRetirement -> retirementStep()
  :: phase == NOT_RUNNING && staged > durable ->
     d_step {
       running = staged;
       frozenPages = unwritten;
       unwritten = 0;
       phase = WRITE_PAGES
     }
  :: phase != NOT_RUNNING -> checkpointStep()
  :: wantsSegment -> segmentsStep()
  :: isAtEnd -> break
  od;
  /* No page is lost: each is either reached by the newest version or free. */
  assert(freePages + inUse == bitOf(PAGES + 1) - bitOf(1) && (freePages & inUse) == 0)
}

#ifdef POWER_CUT
/* What recovery finds after a power cut now: the meta page may be the old or the new one. */
inline judge(meta, metaSegment) {
  family = 0;
  do
  :: family <= 1 ->
     findRoot(meta, family, birth);
     assert(durablePage[pageOf[birth]] == birth);
     /* A torn write is neither the one nor the other. */
     assert(unsyncedPage[pageOf[birth]] == NO_BIRTH);
     family++
  :: else -> break
  od;
  assert((segmentFiles & bitOf(metaSegment)) != 0);
  sequence = meta + 1;
  do
  :: sequence <= PROGRESS_SYNCED ->
     assert(sequence <= durableLog);
     assert(segmentOf(sequence) >= metaSegment);
     assert((segmentFiles & bitOf(segmentOf(sequence))) != 0);
     sequence++
  :: else -> break
  od;
  family = 0; birth = 0; sequence = 0
}

/* Whatever is published as synced may be acknowledged. Leaves the state as it was. */
proctype powerCut() {
  byte family, birth, sequence;
end:
  do
  :: d_step {
       assert(PROGRESS_CHECKPOINTED <= PROGRESS_APPLIED && PROGRESS_APPLIED <= PROGRESS_SYNCED);
       assert(PROGRESS_SYNCED <= PROGRESS_WRITTEN && PROGRESS_WRITTEN <= PROGRESS_APPENDED);
       judge(durableMeta, durableMetaSegment);
       if
       :: isMetaUnsynced -> judge(unsyncedMeta, unsyncedMetaSegment)
       :: else
       fi
     }
  od
}
#endif

init {
  atomic {
    familyOf[1] = 1;
    pageOf[0] = 1; pageOf[1] = 2;
    frameOf[1] = 0; frameOf[2] = 1;
    durablePage[1] = 0; durablePage[2] = 1;
    freePages = bitOf(PAGES + 1) - bitOf(3);
    run main();
#ifdef READER
    run reader();
#else
    isReaderDone = 1;
#endif
    run wal();
    run apply();
#ifdef POWER_CUT
    run powerCut();
#endif
    skip
  }
}
