/**
 * Random histories. Sizes are such that a history of a few hundred commands seals write buffers,
 * fills and recycles log segments and takes checkpoints many times over, in a cache that the data
 * do not fit into.
 */
import fc from 'fast-check';
import type {
  BatchStep,
  BetweenCommand,
  Command,
  CommitCommand,
  History,
  RangeSpec,
  Step,
  ValueSpec,
  View,
} from './commands.js';
import { BOUND_NAMES, BULK_KEYS, FAMILIES, KEY_NAMES } from './values.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const SLOTS = 4;
const TAGS = 100_000;

const family = fc.constantFrom(...FAMILIES);
const key = fc.constantFrom(...KEY_NAMES);
const bound = fc.constantFrom(...BOUND_NAMES);
const sought = fc.constantFrom(...BOUND_NAMES.filter((name) => name !== ''));
const slot = fc.nat({ max: SLOTS - 1 });
const durability = fc.constantFrom('none' as const, 'none' as const, 'async' as const, 'immediate');
const condition = fc.constantFrom('absent' as const, 'current' as const, 'other' as const);
const select = fc.constantFrom('entries' as const, 'keys' as const, 'values' as const);
const durable = {
  durability,
  isAwaited: fc.nat({ max: 3 }).map((roll) => roll === 0),
};

/** Inside a leaf, most of a leaf, overflow pages; the last ones fill a buffer in twenty commits. */
const length = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 800, max: 5000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 10 * KIB, max: 60 * KIB }) },
);
const value: fc.Arbitrary<ValueSpec> = fc.tuple(fc.nat({ max: TAGS }), length);
const smallValue: fc.Arbitrary<ValueSpec> = fc.tuple(fc.nat({ max: TAGS }), fc.nat({ max: 300 }));
/** A commit that no write buffer of the smallest size can hold. */
const hugeValue: fc.Arbitrary<ValueSpec> = fc.tuple(
  fc.nat({ max: TAGS }),
  fc.integer({ min: MIB, max: 2 * MIB }),
);

/** At most one lower and one upper bound, or a prefix. */
const bounds: fc.Arbitrary<RangeSpec> = fc.oneof(
  fc.constant({}),
  fc.record({ prefix: fc.constantFrom('a', 'n', 'n00', 'n1', 'é', '😀', 'long1', '\uffff') }),
  fc
    .tuple(fc.constantFrom('gt', 'gte', ''), bound, fc.constantFrom('lt', 'lte', ''), bound)
    .map(([lower, low, upper, high]) => ({
      ...(lower === '' ? {} : { [lower]: low }),
      ...(upper === '' ? {} : { [upper]: high }),
    })),
);
const narrowBounds: fc.Arbitrary<RangeSpec> = fc.oneof(
  fc.record({ prefix: fc.constantFrom('a', 'b', 'n00', 'n19', 'é', '😀', 'z') }),
  fc.record({ gte: fc.constantFrom('a', 'n0250', 'n1'), lt: fc.constantFrom('aa', 'n1', 'n1750') }),
  fc.record({ gt: key, lte: key }),
  fc.record({ gt: fc.constantFrom('n1750', 'y', 'z') }),
  fc.record({ lt: fc.constantFrom('a1', 'b') }),
);
/** A range that is mostly small; now and then one side or all is open. */
const cleared = fc.oneof({ weight: 6, arbitrary: narrowBounds }, { weight: 1, arbitrary: bounds });
const range: fc.Arbitrary<RangeSpec> = fc
  .tuple(bounds, fc.constantFrom({}, { reverse: true }), fc.option(fc.nat({ max: 40 })))
  .map(([sides, direction, limit]) => ({
    ...sides,
    ...direction,
    ...(limit === null ? {} : { limit }),
  }));

const view: fc.Arbitrary<View> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('latest' as const) },
  { weight: 2, arbitrary: fc.constantFrom('synced' as const, 'applied' as const) },
  { weight: 3, arbitrary: fc.record({ snapshot: slot }) },
);

// --- transactions -------------------------------------------------------------------------------

const put = { op: fc.constant('put' as const), family, key, value };
const batchStep: fc.Arbitrary<BatchStep> = fc.oneof(
  { weight: 5, arbitrary: fc.record(put) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('delete' as const), family, key }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('clear' as const), family, range: cleared }),
  },
);
const walkSlot = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: batchStep },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('putIf' as const),
      family,
      key,
      value: smallValue,
      condition,
      isCaught: fc.nat({ max: 5 }).map((roll) => roll > 0),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constantFrom('get' as const, 'has' as const), family, key }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('getMany' as const),
      family,
      keys: fc.array(key, { maxLength: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('count' as const), family, range }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('open' as const),
      slot: walkSlot,
      family,
      range,
      select,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('step' as const),
      slot: walkSlot,
      count: fc.nat({ max: 90 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('seek' as const), slot: walkSlot, key: sought }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('close' as const), slot: walkSlot }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('savepoint' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('rollback' as const), back: fc.nat({ max: 3 }) }),
  },
);

// --- commits ------------------------------------------------------------------------------------

const between: fc.Arbitrary<BetweenCommand> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ ...durable, do: fc.constant('put' as const), family, key, value }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ ...durable, do: fc.constant('delete' as const), family, key }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ ...durable, do: fc.constant('clear' as const), family, range: cleared }),
  },
  { weight: 1, arbitrary: fc.record({ ...durable, do: fc.constant('drop' as const), family }) },
);
const isSeldom = fc.nat({ max: 7 }).map((roll) => roll === 0);
const bulk = fc.record({
  ...durable,
  do: fc.constant('bulk' as const),
  family,
  first: fc.nat({ max: BULK_KEYS - 1 }),
  count: fc.integer({ min: 20, max: 400 }),
  // Upwards, downwards, and spread over the whole.
  stride: fc.constantFrom(1, 1, BULK_KEYS - 1, 7, 613),
  value: smallValue,
});
const commit: fc.Arbitrary<CommitCommand> = fc.oneof(
  { weight: 12, arbitrary: between },
  {
    weight: 3,
    arbitrary: fc.record({ ...durable, do: fc.constant('put' as const), family, key, value }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...durable,
      do: fc.constant('putIf' as const),
      family,
      key,
      value,
      condition,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...durable,
      do: fc.constant('batch' as const),
      steps: fc.array(batchStep, { maxLength: 12 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...durable,
      do: fc.constant('write' as const),
      steps: fc.array(step, { maxLength: 24 }),
      isSync: isSeldom,
      isGivenUp: isSeldom,
    }),
  },
  { weight: 4, arbitrary: bulk },
  {
    weight: 1,
    arbitrary: fc.record({
      ...durable,
      do: fc.constant('put' as const),
      family,
      key,
      value: hugeValue,
    }),
  },
);
const transaction: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('transaction' as const),
  steps: fc.array(step, { maxLength: 20 }),
  split: fc.nat({ max: 20 }),
  between: fc.array(between, { maxLength: 3 }),
  retries: fc.constantFrom(0, 1, 3),
  durability,
  isGivenUp: isSeldom,
});

// --- reads and care -----------------------------------------------------------------------------

const read: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('get', 'has'), family, key, view }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('getAsync'), family, key, view }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('getMany'),
      family,
      keys: fc.array(key, { maxLength: 12 }),
      view,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('count'), family, range, view }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('scan'),
      family,
      range,
      select,
      view,
      isAsync: fc.boolean(),
    }),
  },
);
const walk: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('open'), slot, family, range, select, view }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('step'), slot, count: fc.nat({ max: 120 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('seek'), slot, key: sought }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close'), slot }) },
);
const care: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('snapshot', 'closeSnapshot'), slot }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('checkpoint', 'waitForSync', 'waitForApply'),
      isAwaited: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('families', 'stats', 'compare') }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('misuse'), kind: fc.nat({ max: 50 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('reopen'), shift: fc.integer({ min: 1, max: 3 }) }),
  },
);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 14, arbitrary: commit },
  { weight: 2, arbitrary: transaction },
  { weight: 5, arbitrary: read },
  { weight: 5, arbitrary: walk },
  { weight: 3, arbitrary: care },
);

const options: fc.Arbitrary<History['options']> = fc.record({
  cacheBytes: fc.constantFrom(MIB, 2 * MIB),
  walRingBytes: fc.constant(MIB),
  walSegmentBytes: fc.constant(3 * MIB),
  walBytesMax: fc.constantFrom(12 * MIB, 18 * MIB),
  writeBufferBytes: fc.constant(MIB),
  writeBufferCount: fc.constantFrom(2, 4),
  pendingBytesMax: fc.constantFrom(64 * KIB, 16 * MIB),
  pendingCommitsMax: fc.constantFrom(1, 8, 4096),
  checkpointIntervalMs: fc.constantFrom(0, 5, 200),
  workers: fc.record({ apply: fc.constantFrom(1, 1, 2, 3), pool: fc.constant(1) }),
});

export function histories(commandCount: number): fc.Arbitrary<History> {
  const commands = fc.array(command, { minLength: commandCount, maxLength: commandCount });
  return fc.record({ options, commands });
}
