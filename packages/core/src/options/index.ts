/** Options of `open` and of single calls, checked. */
export {
  conditionOf,
  consistencyOf,
  durabilityOf,
  familyOptionsOf,
  putOptionsOf,
  requireFunction,
  requireReadNames,
  signalOf,
  transactionOptionsOf,
  type CheckedPutOptions,
  type CheckedTransactionOptions,
  type PutCondition,
} from './calls.js';
export { hasWriteBuffer, memorySum, sharedSizes } from './memory.js';
export { checkOpenOptions, withPageBytes, type CheckedOpenOptions } from './open-options.js';
export { absolutePath } from './path.js';
