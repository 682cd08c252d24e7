/** Point reads and iterators. */
export type { FamilyCodec, ReadContext } from './context.js';
export type { CoveredRange } from './covered.js';
export { createEntries, type EntriesSelect, type EntriesSource } from './entries.js';
export { countRange, hasKey, readMany, readRaw, readValue } from './point.js';
