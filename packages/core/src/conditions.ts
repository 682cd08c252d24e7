/**
 * Conditions of a put, for compare-and-set: checked against the state the commit is built on, by
 * encoded bytes. Main thread.
 */
import { ManifoldError } from '@manifold-db/storage';
import type { TransactionBuilder } from './build/builder.js';
import { encodeValue, type ValueEncoding } from './encoding/index.js';
import type { FamilyEntry } from './families.js';
import type { PutCondition } from './options/index.js';
import type { ReadContext } from './read/context.js';
import { FamilyView, readRaw } from './read/index.js';

/** A condition with its value encoded; `undefined` when there is none. */
export interface EncodedCondition {
  /** Bytes that the key must have now; `undefined`: the key must be absent. */
  readonly expected: Uint8Array | undefined;
}

export function encodeCondition<V>(
  condition: PutCondition<V>,
  encoding: ValueEncoding<V>,
): EncodedCondition | undefined {
  if (condition.kind === 'none') return undefined;
  if (condition.kind === 'absent') return { expected: undefined };
  return { expected: encodeValue(encoding, condition.value, 'options.ifValue') };
}

const scratchView = new FamilyView();

/** @throws ManifoldError ERR_MANIFOLD_CONFLICT when the condition does not hold */
export function requireCondition(
  context: ReadContext,
  builder: TransactionBuilder,
  entry: FamilyEntry,
  key: Uint8Array,
  condition: EncodedCondition,
): void {
  builder.readView(entry, scratchView);
  const opened = context.begin();
  try {
    const found = readRaw(context, scratchView, key, key.length);
    const { expected } = condition;
    const holds =
      expected === undefined || found === undefined
        ? expected === undefined && found === undefined
        : Buffer.compare(found, expected) === 0;
    if (holds) return;
  } finally {
    context.end(opened);
  }
  throw new ManifoldError(
    'ERR_MANIFOLD_CONFLICT',
    `the condition of a put to the column family ${entry.name} does not hold; nothing was written`,
  );
}
