/** Memory that every engine gets: Manifold's defaults. */
export const MIB = 2 ** 20;
export const CACHE_BYTES = 64 * MIB;
/** All generations of Manifold's write buffer together. */
export const BUFFER_BYTES = 96 * MIB;
/** Enough for the records of the suites that are to run in memory. */
export const ALL_IN_MEMORY_BYTES = 512 * MIB;
