/**
 * Histories of transactions that read lists and append to them. Every appended number is used once,
 * so a list that is read tells which transactions it has seen, and in which order they wrote.
 */

/** A list as it was read, before anything the transaction appended to it itself. */
export interface ListRead {
  readonly key: string;
  readonly list: readonly number[];
}

export interface ListAppend {
  readonly key: string;
  readonly element: number;
}

/** One attempt that ended, either way. */
export interface TransactionRecord {
  readonly reads: readonly ListRead[];
  readonly appends: readonly ListAppend[];
  readonly isCommitted: boolean;
  /** What it was, for a report. */
  readonly kind: string;
}
