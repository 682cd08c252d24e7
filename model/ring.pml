/*
 * The WAL ring: threads that commit claim under the append lock, copy outside it and publish; the
 * fsync worker takes the contiguous published prefix and gives the memory back.
 * code: packages/storage/src/ring/claim.ts, ring/consumer.ts, core/src/append/appender.ts
 *
 * Record numbers and units wrap, as they do in the code at 2^32, here after RECORD_NUMBERS and
 * UNIT_NUMBERS. Who waits for room is a guard here; how it is woken is in sync.pml.
 *
 * Variants
 * BUG_B2               the sequence is taken before the append lock
 * BUG_STATE_FIRST      the state word is stored before the bytes are there
 * BUG_STATE_IS_FLAG    the state word is 1 instead of the record number: an old lap reads as new
 * BUG_NO_SKIP          a record may overlap what is still in use when it skips the end
 */
#ifndef COMMITS
#define COMMITS 4
#endif
#ifndef COMMITTERS
#define COMMITTERS 2
#endif
#ifndef RING_RECORDS_MAX
#define RING_RECORDS_MAX 2
#endif
/* The ring's bytes, in units. */
#ifndef RING_UNITS
#define RING_UNITS 4
#endif
#define RECORD_NUMBERS 8
#define UNIT_NUMBERS 16
/* Records are one or two units long. */
#define UNITS_MAX 2

/* layout/ring.ts */
bit RING_LOCK;
byte RING_CLAIMED = RECORD_NUMBERS - 1;
byte RING_CLAIM_UNIT = UNIT_NUMBERS - 1;
byte RING_CONSUMED = RECORD_NUMBERS - 1;
byte RING_CONSUMED_UNIT = UNIT_NUMBERS - 1;
byte DESCRIPTOR_STATE[RING_RECORDS_MAX];
byte DESCRIPTOR_UNIT[RING_RECORDS_MAX];
byte DESCRIPTOR_BYTES[RING_RECORDS_MAX];
byte DESCRIPTOR_END[RING_RECORDS_MAX];
byte DESCRIPTOR_SEQUENCE[RING_RECORDS_MAX];
byte ringBytes[RING_UNITS];
byte PROGRESS_APPENDED;
byte PROGRESS_WRITTEN;

/* Commits that were begun, by all committers. */
byte begun;
byte finished;

#define rowOf(record) ((record) % RING_RECORDS_MAX)
#define following(record) (((record) + 1) % RECORD_NUMBERS)
#define recordsInside ((RING_CLAIMED + RECORD_NUMBERS - RING_CONSUMED) % RECORD_NUMBERS)
#define positionOf(unit) ((unit) % RING_UNITS)
#define skippedFor(units) \
  (positionOf(RING_CLAIM_UNIT) + (units) > RING_UNITS -> \
   RING_UNITS - positionOf(RING_CLAIM_UNIT) : 0)
#define unitsInside ((RING_CLAIM_UNIT + UNIT_NUMBERS - RING_CONSUMED_UNIT) % UNIT_NUMBERS)
#ifdef BUG_NO_SKIP
#define hasUnits(units) (unitsInside + (units) <= RING_UNITS)
#else
#define hasUnits(units) (unitsInside + skippedFor(units) + (units) <= RING_UNITS)
#endif

proctype committer() {
  byte record, unit, units, sequence, copied;
  do
  :: atomic { begun < COMMITS -> begun++ };
     select (units : 1 .. UNITS_MAX);
#ifdef BUG_B2
     atomic { PROGRESS_APPENDED++; sequence = PROGRESS_APPENDED };
#endif
claim:
     atomic { RING_LOCK == 0 -> RING_LOCK = 1 };
     /* tryClaim: two loads of words that the consumer moves, one after the other. */
     record = RING_CLAIMED;
     if
     :: recordsInside == RING_RECORDS_MAX -> goto ringFull
     :: else
     fi;
     if
     :: !hasUnits(units) -> goto ringFull
     :: else
     fi;
     d_step {
#ifndef BUG_B2
       sequence = PROGRESS_APPENDED + 1;
#endif
       unit = (RING_CLAIM_UNIT + skippedFor(units)) % UNIT_NUMBERS;
       DESCRIPTOR_UNIT[rowOf(record)] = unit;
       DESCRIPTOR_BYTES[rowOf(record)] = units;
       DESCRIPTOR_END[rowOf(record)] = (unit + units) % UNIT_NUMBERS;
       DESCRIPTOR_SEQUENCE[rowOf(record)] = sequence;
       RING_CLAIM_UNIT = (unit + units) % UNIT_NUMBERS
     };
     RING_CLAIMED = following(record);
#ifndef BUG_B2
     PROGRESS_APPENDED = sequence;
#endif
     RING_LOCK = 0;
#ifdef BUG_STATE_FIRST
     DESCRIPTOR_STATE[rowOf(record)] = following(record);
#endif
     copied = 0;
     do
     :: copied < units -> ringBytes[positionOf(unit + copied)] = sequence; copied++
     :: else -> break
     od;
     skip;
     /* publishRecord */
#ifdef BUG_STATE_IS_FLAG
     DESCRIPTOR_STATE[rowOf(record)] = 1;
#else
#ifndef BUG_STATE_FIRST
     DESCRIPTOR_STATE[rowOf(record)] = following(record);
#endif
#endif
     d_step { finished++; record = 0; unit = 0; sequence = 0; copied = 0 };
     goto published;
ringFull:
     RING_LOCK = 0;
     /* Woken by REASON_SPACE. */
     (recordsInside < RING_RECORDS_MAX && hasUnits(units));
     goto claim;
published:
     units = 0
  :: begun == COMMITS -> break
  od
}

#ifdef BUG_STATE_IS_FLAG
#define isPublished(record) (DESCRIPTOR_STATE[rowOf(record)] == 1)
#else
#define isPublished(record) (DESCRIPTOR_STATE[rowOf(record)] == following(record))
#endif

proctype fsyncWorker() {
  byte record = RECORD_NUMBERS - 1;
  byte completedSequence, endUnit, bound, at;
  do
  :: PROGRESS_WRITTEN < COMMITS ->
     /* hasPublished, then gather up to what was claimed before. */
     isPublished(record);
     bound = RING_CLAIMED;
     do
     :: record != bound ->
        if
        :: isPublished(record)
        :: else -> break
        fi;
        assert(DESCRIPTOR_SEQUENCE[rowOf(record)] == completedSequence + 1);
        completedSequence++;
        at = 0;
        do
        :: at < DESCRIPTOR_BYTES[rowOf(record)] ->
           assert(ringBytes[positionOf(DESCRIPTOR_UNIT[rowOf(record)] + at)] == completedSequence);
           at++
        :: else -> break
        od;
        endUnit = DESCRIPTOR_END[rowOf(record)];
        record = following(record)
     :: else -> break
     od;
     assert(completedSequence <= PROGRESS_APPENDED);
     PROGRESS_WRITTEN = completedSequence;
     /* release: two independent bounds. */
     RING_CONSUMED_UNIT = endUnit;
     RING_CONSUMED = record
  :: else -> break
  od;
  assert(PROGRESS_WRITTEN == COMMITS && PROGRESS_APPENDED == COMMITS)
}

init {
  byte i;
  atomic {
    /* Both are powers of two in the code. */
    assert(RECORD_NUMBERS % RING_RECORDS_MAX == 0 && UNIT_NUMBERS % RING_UNITS == 0);
    /* startRingAt: every row looks as if the lap before had just used it. */
    i = 1;
    do
    :: i <= RING_RECORDS_MAX ->
       DESCRIPTOR_STATE[rowOf(RECORD_NUMBERS - 1 - i)] = following(RECORD_NUMBERS - 1 - i);
       i++
    :: else -> break
    od;
#ifdef BUG_STATE_IS_FLAG
    DESCRIPTOR_STATE[0] = 0; DESCRIPTOR_STATE[1] = 0;
#endif
    i = 0;
    do
    :: i < COMMITTERS -> run committer(); i++
    :: else -> break
    od;
    run fsyncWorker()
  }
}

/* Every commit that was begun gets into the log. */
ltl written { <> (PROGRESS_WRITTEN == COMMITS) }
