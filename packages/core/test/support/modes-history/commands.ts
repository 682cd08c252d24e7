/**
 * What a random history consists of: plain data, so that a history can be printed, shortened, kept
 * in a file and run again. Keys and values are named, not spelt out (`values.ts`).
 */
import type { Durability, OpenOptions } from '@manifold-db/core';

/** A number that tells values apart, and a length. */
export type ValueSpec = readonly [tag: number, length: number];

/** Bounds of a range, direction and limit; keys by name. */
export interface RangeSpec {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly prefix?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export type Select = 'entries' | 'keys' | 'values';

/** Which state a read looks at; an empty slot means the newest one. */
export type View = 'latest' | 'synced' | 'applied' | { readonly snapshot: number };

/** `current`: the value that is there, or none; `other`: one that is not there. */
export type Condition = 'absent' | 'current' | 'other';

export type BatchStep =
  | { readonly op: 'put'; readonly family: string; readonly key: string; readonly value: ValueSpec }
  | { readonly op: 'delete'; readonly family: string; readonly key: string }
  | { readonly op: 'clear'; readonly family: string; readonly range: RangeSpec };

/** A step of a transaction. Slots hold the walks that the transaction has open. */
export type Step =
  | BatchStep
  | {
      readonly op: 'putIf';
      readonly family: string;
      readonly key: string;
      readonly value: ValueSpec;
      readonly condition: Condition;
      /** Whether the callback goes on when the condition does not hold. */
      readonly isCaught: boolean;
    }
  | { readonly op: 'get'; readonly family: string; readonly key: string }
  | { readonly op: 'has'; readonly family: string; readonly key: string }
  | { readonly op: 'getMany'; readonly family: string; readonly keys: readonly string[] }
  | { readonly op: 'count'; readonly family: string; readonly range: RangeSpec }
  | {
      readonly op: 'open';
      readonly slot: number;
      readonly family: string;
      readonly range: RangeSpec;
      readonly select: Select;
    }
  | { readonly op: 'step'; readonly slot: number; readonly count: number }
  | { readonly op: 'seek'; readonly slot: number; readonly key: string }
  | { readonly op: 'close'; readonly slot: number }
  | { readonly op: 'savepoint' }
  /** To the savepoint of that number, counted from the newest one. */
  | { readonly op: 'rollback'; readonly back: number };

interface Durable {
  readonly durability: Durability;
  /** Whether the next command waits for the acknowledgement. */
  readonly isAwaited: boolean;
}

export type CommitCommand = Durable &
  (
    | { readonly do: 'put'; readonly family: string; readonly key: string; value: ValueSpec }
    | {
        readonly do: 'putIf';
        readonly family: string;
        readonly key: string;
        readonly value: ValueSpec;
        readonly condition: Condition;
      }
    | { readonly do: 'delete'; readonly family: string; readonly key: string }
    | { readonly do: 'clear'; readonly family: string; readonly range: RangeSpec }
    | { readonly do: 'drop'; readonly family: string }
    /** Small values under keys `n0000` to `n1999`, so that trees get deep. */
    | {
        readonly do: 'bulk';
        readonly family: string;
        readonly first: number;
        readonly count: number;
        readonly stride: number;
        readonly value: ValueSpec;
      }
    | { readonly do: 'batch'; readonly steps: readonly BatchStep[] }
    | {
        readonly do: 'write';
        readonly steps: readonly Step[];
        readonly isSync: boolean;
        /** The callback throws at its end. */
        readonly isGivenUp: boolean;
      }
  );

/** A commit of somebody else while an optimistic transaction runs. */
export type BetweenCommand = Extract<CommitCommand, { do: 'put' | 'delete' | 'clear' | 'drop' }>;

export type Command =
  | CommitCommand
  | {
      readonly do: 'transaction';
      readonly steps: readonly Step[];
      /** Steps before the other commits of the first attempt. */
      readonly split: number;
      readonly between: readonly BetweenCommand[];
      readonly retries: number;
      readonly durability: Durability;
      readonly isGivenUp: boolean;
    }
  | { readonly do: 'get' | 'has'; readonly family: string; readonly key: string; view: View }
  | { readonly do: 'getAsync'; readonly family: string; readonly key: string; view: View }
  | { readonly do: 'getMany'; readonly family: string; keys: readonly string[]; view: View }
  | { readonly do: 'count'; readonly family: string; readonly range: RangeSpec; view: View }
  | {
      readonly do: 'scan';
      readonly family: string;
      readonly range: RangeSpec;
      readonly select: Select;
      readonly view: View;
      readonly isAsync: boolean;
    }
  | { readonly do: 'snapshot' | 'closeSnapshot'; readonly slot: number }
  | {
      readonly do: 'open';
      readonly slot: number;
      readonly family: string;
      readonly range: RangeSpec;
      readonly select: Select;
      readonly view: View;
    }
  | { readonly do: 'step'; readonly slot: number; readonly count: number }
  | { readonly do: 'seek'; readonly slot: number; readonly key: string }
  | { readonly do: 'close'; readonly slot: number }
  | { readonly do: 'checkpoint' | 'waitForSync' | 'waitForApply'; readonly isAwaited: boolean }
  | { readonly do: 'misuse'; readonly kind: number }
  | { readonly do: 'families' | 'stats' | 'compare' }
  /** Closes and opens again, every database in the mode of another one. */
  | { readonly do: 'reopen'; readonly shift: number };

export interface History {
  readonly options: OpenOptions;
  readonly commands: readonly Command[];
}
