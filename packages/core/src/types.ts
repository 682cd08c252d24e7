/**
 * The public interfaces of `@manifold-db/core`, one theme per file. Types only: nothing here exists
 * at run time, and every thread may import it.
 */
export type * from './types/database.js';
export type * from './types/encoding.js';
export type * from './types/family.js';
export type * from './types/options.js';
export type * from './types/reports.js';
export type * from './types/transaction.js';
