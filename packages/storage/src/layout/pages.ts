/**
 * Shared-memory layout of the page manager: control words, frame table, hash, free pages. Writer
 * of everything here is the holder of the pages lock, except where stated.
 *
 * Control (Int32Array)
 * | word   | name               | meaning                                                       |
 * |--------|--------------------|---------------------------------------------------------------|
 * | 0      | PAGES_LOCK         | mutex                                                         |
 * | 16     | PAGES_NEXT         | first page number behind the file's end                       |
 * | 17, 18 | PAGES_BIRTH        | next birth (wide)                                             |
 * | 19     | PAGES_FREE_COUNT   | page numbers on the shared free stack                         |
 * | 20     | FRAMES_FREE_HEAD   | first free frame or NO_FRAME; linked through FRAME_NEXT       |
 * | 21     | FRAMES_FREE_COUNT  | free frames                                                   |
 * | 22     | FRAMES_CLOCK_HAND  | next frame that eviction looks at                             |
 * | 23     | FRAMES_DIRTY       | frames in state DIRTY                                         |
 * | 24     | RETIRED_OLDEST     | retired-frame queue: row of the oldest one, below FRAMES_COUNT |
 * | 25     | RETIRED_COUNT      | retired-frame queue: rows in use, from the oldest one on      |
 * | 26     | FRAMES_COUNT       | frames in use by the hash (constant)                          |
 * | 27     | FRAMES_HIGH        | highest frame that was ever taken                             |
 * | 28     | PAGES_LOCK_ABANDONED | 1 once the lock's holder is known dead; any thread, without it |
 *
 * Frame table (Int32Array): a row of 32 bytes per frame, so that a look-up touches one cache line
 * | word          | writer                                                                   |
 * |---------------|--------------------------------------------------------------------------|
 * | FRAME_PAGE    | pages lock; read by lock-free look-ups                                   |
 * | FRAME_NEXT    | pages lock; chain of the bucket, or of the free list                     |
 * | FRAME_STATE   | pages lock                                                               |
 * | FRAME_USED    | any reader: plain store of 1; the CLOCK hand clears it (a hint only)     |
 * | FRAME_OWNER, FRAME_OWNER_HIGH | pages lock: token of the page's diff, NO_OWNER once written |
 * | RETIRED_FRAME, RETIRED_EPOCH | pages lock: rows of the retired queue, the first after the last |
 *
 * Buckets (Int32Array, power of two): first frame of the chain or NO_FRAME.
 * Free pages (Int32Array): stack of page numbers, PAGES_FREE_COUNT of them.
 *
 * Invariants
 * 1. A frame's bytes and its FRAME_PAGE change only while it is on no chain and no thread is in an
 *    epoch in which it was on one.
 * 2. FRAME_NEXT of an unlinked frame keeps its old value until the frame is recycled, so a reader
 *    standing on it goes on in the old chain; at worst it misses and looks again under the lock.
 * 3. A committed page keeps the token of its diff until a checkpoint writes it, so no token is ever
 *    given out twice. Words of which only one is cleared yet are no token of the thread that
 *    reads them: FRAME_OWNER names the thread, whose later tokens are all larger.
 */
export const PAGES_LOCK = 0;
export const PAGES_NEXT = 16;
export const PAGES_BIRTH = 17;
export const PAGES_FREE_COUNT = 19;
export const FRAMES_FREE_HEAD = 20;
export const FRAMES_FREE_COUNT = 21;
export const FRAMES_CLOCK_HAND = 22;
export const FRAMES_DIRTY = 23;
export const RETIRED_OLDEST = 24;
export const RETIRED_COUNT = 25;
export const FRAMES_COUNT = 26;
export const FRAMES_HIGH = 27;
export const PAGES_LOCK_ABANDONED = 28;
export const PAGES_CONTROL_BYTES = 48 * Int32Array.BYTES_PER_ELEMENT;

/** Words of a row: word c of frame f is (f << FRAME_ROW_SHIFT) + c. */
export const FRAME_ROW_WORDS = 8;
export const FRAME_ROW_SHIFT = 3;
export const FRAME_PAGE = 0;
export const FRAME_NEXT = 1;
export const FRAME_STATE = 2;
export const FRAME_USED = 3;
export const FRAME_OWNER = 4;
export const RETIRED_FRAME = 5;
export const RETIRED_EPOCH = 6;
export const FRAME_OWNER_HIGH = 7;

/** Values of FRAME_STATE. */
export const STATE_FREE = 0;
export const STATE_CLEAN = 1;
export const STATE_DIRTY = 2;
export const STATE_RETIRED = 3;
/** Being filled from the file by one thread; on no chain yet. */
export const STATE_LOADING = 4;
/** Set aside for one thread's private use; never on a chain. */
export const STATE_SCRATCH = 5;

export const NO_OWNER = 0;

/** Tokens are safe integers, counter × THREADS_MAX + thread, split here into two words. */
export const OWNER_HIGH_UNIT = 2 ** 31;
