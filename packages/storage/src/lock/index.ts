export { LOCK_FILE_NAME } from './acquire.js';
export { acquireLock, isLockOwned, livingHolder } from './lock.js';
export type { DatabaseLock, LockOptions } from './lock.js';
export { readProcessFacts } from './process-facts.js';
export type { ProcessFacts } from './process-facts.js';
