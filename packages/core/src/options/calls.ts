/** Options of single calls: commits, reads, transactions, waiting. Main thread. */
import { describe } from '../encoding/describe.js';
import type { CommitOptions, Consistency, Durability, ReadOptions } from '../types.js';
import { booleanOption, requireOptions, signalOption, wholeOption, wordOption } from './checks.js';
import { DURABILITIES } from './open-options.js';

const CONSISTENCIES: readonly Consistency[] = ['latest', 'synced', 'applied'];
const RETRIES = { min: 0, max: 1000 };
const RETRIES_DEFAULT = 10;

const FAMILY_NAMES = ['keyEncoding', 'valueEncoding'];
const COMMIT_NAMES = ['durability'];
const CONDITION_NAMES = ['ifAbsent', 'ifValue'];
const PUT_NAMES = [...COMMIT_NAMES, ...CONDITION_NAMES];
const TRANSACTION_NAMES = ['durability', 'retries'];

/** What a handle of a column family is asked to be; the encodings check themselves. */
export function familyOptionsOf(options: unknown): Readonly<Record<string, unknown>> {
  return requireOptions(options, FAMILY_NAMES, 'options');
}

/** The durability of a commit, for calls that take nothing else. */
export function durabilityOf(options: CommitOptions | undefined, fallback: Durability): Durability {
  if (options === undefined) return fallback;
  const given = requireOptions(options, COMMIT_NAMES, 'options');
  return wordOption(given['durability'], 'options.durability', DURABILITIES, fallback);
}

/** A condition of a put; `NO_CONDITION` is the usual case. */
export type PutCondition<V> =
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'value'; readonly value: V };

const NO_CONDITION = { kind: 'none' } as const;
const IF_ABSENT = { kind: 'absent' } as const;

function conditionIn<V>(given: Readonly<Record<string, unknown>>): PutCondition<V> {
  const ifAbsent = booleanOption(given['ifAbsent'], 'options.ifAbsent', false);
  if (!('ifValue' in given)) return ifAbsent ? IF_ABSENT : NO_CONDITION;
  if (given['ifValue'] === undefined) {
    // What `get` gives for a missing key. Taken as no condition it would overwrite what comes.
    throw new TypeError('options.ifValue is undefined; for a key without a value use ifAbsent');
  }
  if (ifAbsent) throw new TypeError('options.ifAbsent and options.ifValue exclude each other');
  return { kind: 'value', value: given['ifValue'] as V };
}

/** The condition of a put inside a transaction. */
export function conditionOf<V>(options: unknown): PutCondition<V> {
  if (options === undefined) return NO_CONDITION;
  return conditionIn(requireOptions(options, CONDITION_NAMES, 'conditions'));
}

export interface CheckedPutOptions<V> {
  readonly durability: Durability;
  readonly condition: PutCondition<V>;
}

/** Condition and durability of a put that is a commit of its own. */
export function putOptionsOf<V>(options: unknown, fallback: Durability): CheckedPutOptions<V> {
  const given = requireOptions(options, PUT_NAMES, 'options');
  return {
    durability: wordOption(given['durability'], 'options.durability', DURABILITIES, fallback),
    condition: conditionIn(given),
  };
}

export interface CheckedTransactionOptions {
  readonly durability: Durability;
  readonly retries: number;
}

export function transactionOptionsOf(
  options: unknown,
  fallback: Durability,
): CheckedTransactionOptions {
  const given = requireOptions(options, TRANSACTION_NAMES, 'options');
  return {
    durability: wordOption(given['durability'], 'options.durability', DURABILITIES, fallback),
    retries: wholeOption(given['retries'], 'options.retries', RETRIES, RETRIES_DEFAULT),
  };
}

/**
 * Which state a read wants: of a snapshot when there is one, else by consistency. Names are not
 * checked here, since a range carries bounds beside them; `requireReadNames` does that.
 */
export function consistencyOf(options: ReadOptions): Consistency {
  const { consistency } = options;
  if (options.snapshot !== undefined && consistency !== undefined) {
    throw new TypeError('snapshot and consistency exclude each other');
  }
  return wordOption(consistency, 'consistency', CONSISTENCIES, 'latest');
}

/** Refuses what is not an object of read options. */
export function requireReadNames(options: unknown): void {
  requireOptions(options, ['snapshot', 'consistency'], 'options');
}

/** The signal of `waitForSync` and the like. */
export function signalOf(options: unknown): AbortSignal | undefined {
  return signalOption(requireOptions(options, ['signal'], 'options')['signal'], 'options.signal');
}

/** A callback argument. */
export function requireFunction(value: unknown, argument: string): void {
  if (typeof value === 'function') return;
  throw new TypeError(`${argument} must be a function, not ${describe(value)}`);
}
