/** Point reads and iterators. */
export type { FamilyCodec, ReadContext } from './context.js';
export type { CoveredRange } from './covered.js';
export { createEntries, type EntriesSelect } from './entries.js';
export type { EntriesSource } from './pin.js';
export {
  countRange,
  decodeRaw,
  hasEncodedKey,
  hasKey,
  readEncodedValue,
  readMany,
  requireKeys,
  readRaw,
  readValue,
  type ViewOf,
} from './point.js';
export { FamilyView } from './view.js';
