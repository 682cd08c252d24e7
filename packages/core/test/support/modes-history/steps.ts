/**
 * The steps of a transaction, on a real one and on the model. Both give the same list of results:
 * what every read saw, how many operations a savepoint stands for, which conditions failed.
 *
 * A walk is closed before its transaction goes back to a savepoint: what it stands on may be undone.
 */
import type { ColumnFamily, Entries, Savepoint, TransactionOperations } from '@manifold-db/core';
import type { Step } from './commands.js';
import type { ModelTransaction } from './model.js';
import type { ModelWalk } from './model-walk.js';
import { boundsOf, keyOf, rangeOf, valueOf } from './values.js';

const CONFLICT_RESULT = 'the condition does not hold';
/** No command writes it. */
export const OTHER_VALUE = 'a value that is not there';

export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/** Stands for the error of an uncaught condition in the model. */
export class ModelConflict extends Error {}

/** Up to `count` items of a real walk. */
export function takeOf(walk: Entries<unknown, string>, count: number): unknown[] {
  const items: unknown[] = [];
  while (items.length < count) {
    const { value, done } = walk.next();
    if (done === true) break;
    items.push(value);
  }
  return items;
}

/** A walk over what was selected. */
export function openWalk(
  family: Pick<ColumnFamily, 'entries' | 'keys' | 'values'>,
  range: Parameters<ColumnFamily['entries']>[0],
  select: 'entries' | 'keys' | 'values',
): Entries<unknown, string> {
  if (select === 'entries') return family.entries(range);
  return select === 'keys' ? family.keys(range) : family.values(range);
}

/** Steps on a transaction of a database. */
export class RealSteps {
  readonly results: unknown[] = [];
  readonly #tx: TransactionOperations;
  readonly #family: (name: string) => ColumnFamily;
  readonly #walks = new Map<number, Entries<unknown, string>>();
  readonly #savepoints: Savepoint[] = [];

  constructor(tx: TransactionOperations, family: (name: string) => ColumnFamily) {
    this.#tx = tx;
    this.#family = family;
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) this.#run(step);
  }

  #run(step: Step): void {
    const tx = this.#tx;
    if ('slot' in step) return this.#walk(step);
    if (step.op === 'savepoint' || step.op === 'rollback') return this.#savepoint(step);
    const family = this.#family(step.family);
    if (step.op === 'put') tx.put(family, keyOf(step.key), valueOf(step.value));
    else if (step.op === 'putIf') this.#putIf(step, family);
    else if (step.op === 'delete') tx.delete(family, keyOf(step.key));
    else if (step.op === 'clear') tx.clear(family, boundsOf(step.range));
    else if (step.op === 'get') this.results.push(tx.get(family, keyOf(step.key)));
    else if (step.op === 'has') this.results.push(tx.has(family, keyOf(step.key)));
    else if (step.op === 'getMany') this.results.push(tx.getMany(family, step.keys.map(keyOf)));
    else this.results.push(tx.count(family, rangeOf(step.range)));
  }

  #putIf(step: Extract<Step, { op: 'putIf' }>, family: ColumnFamily): void {
    const key = keyOf(step.key);
    const now = this.#tx.get(family, key);
    this.results.push(now);
    const condition = conditionOf(step.condition, now);
    try {
      this.#tx.put(family, key, valueOf(step.value), condition);
    } catch (error) {
      if (!step.isCaught || (error as { code?: string }).code !== 'ERR_MANIFOLD_CONFLICT') {
        throw error;
      }
      this.results.push(CONFLICT_RESULT);
    }
  }

  #walk(step: Extract<Step, { slot: number }>): void {
    const walk = this.#walks.get(step.slot);
    if (step.op === 'open') {
      walk?.close();
      const family = this.#family(step.family);
      const tx = this.#tx;
      const walks = {
        entries: (range: object) => tx.entries(family, range),
        keys: (range: object) => tx.keys(family, range),
        values: (range: object) => tx.values(family, range),
      };
      const range = rangeOf(step.range);
      this.#walks.set(step.slot, walks[step.select](range) as Entries<unknown, string>);
    } else if (walk !== undefined) {
      if (step.op === 'step') this.results.push(takeOf(walk, step.count));
      else if (step.op === 'seek') walk.seek(keyOf(step.key));
      else walk.close();
    }
  }

  #savepoint(step: Extract<Step, { op: 'savepoint' | 'rollback' }>): void {
    if (step.op === 'savepoint') {
      const savepoint = this.#tx.savepoint();
      this.#savepoints.push(savepoint);
      this.results.push(savepoint.operationCount);
      return;
    }
    const at = placeOf(step.back, this.#savepoints.length);
    if (at < 0) return;
    for (const walk of this.#walks.values()) walk.close();
    this.#tx.rollbackTo(this.#savepoints[at]!);
    this.#savepoints.length = at + 1;
  }
}

/** The same on the model. */
export class ModelSteps {
  readonly results: unknown[] = [];
  readonly #tx: ModelTransaction;
  readonly #walks = new Map<number, ModelWalk>();
  readonly #savepoints: ReturnType<ModelTransaction['mark']>[] = [];

  constructor(tx: ModelTransaction) {
    this.#tx = tx;
  }

  /** Throws ModelConflict for a condition that does not hold and is not caught. */
  run(steps: readonly Step[]): void {
    for (const step of steps) this.#run(step);
  }

  #run(step: Step): void {
    const tx = this.#tx;
    if ('slot' in step) return this.#walk(step);
    if (step.op === 'savepoint' || step.op === 'rollback') return this.#savepoint(step);
    const { family } = step;
    if (step.op === 'put') tx.put(family, keyOf(step.key), valueOf(step.value));
    else if (step.op === 'putIf') this.#putIf(step);
    else if (step.op === 'delete') tx.delete(family, keyOf(step.key));
    else if (step.op === 'clear') tx.clear(family, boundsOf(step.range));
    else if (step.op === 'get') this.results.push(this.#get(family, step.key));
    else if (step.op === 'has') this.results.push(this.#get(family, step.key) !== undefined);
    else if (step.op === 'getMany') {
      this.results.push(step.keys.map((key) => this.#get(family, key)));
    } else {
      const { reverse: _reverse, limit: _limit, ...bounds } = rangeOf(step.range);
      tx.noteRange(family, bounds);
      this.results.push(tx.contents(family).range(rangeOf(step.range)).length);
    }
  }

  #get(family: string, name: string): string | undefined {
    const key = keyOf(name);
    this.#tx.noteKey(family, key);
    return this.#tx.contents(family).get(key);
  }

  #putIf(step: Extract<Step, { op: 'putIf' }>): void {
    const now = this.#get(step.family, step.key);
    this.results.push(now);
    if (conditionHolds(step.condition, now)) {
      this.#tx.put(step.family, keyOf(step.key), valueOf(step.value));
    } else if (step.isCaught) {
      this.results.push(CONFLICT_RESULT);
    } else {
      throw new ModelConflict();
    }
  }

  #walk(step: Extract<Step, { slot: number }>): void {
    const walk = this.#walks.get(step.slot);
    if (step.op === 'open') {
      walk?.close();
      this.#walks.set(step.slot, this.#tx.walk(step.family, rangeOf(step.range), step.select));
    } else if (walk !== undefined) {
      if (step.op === 'step') this.results.push(walk.take(step.count));
      else if (step.op === 'seek') walk.seek(keyOf(step.key));
      else walk.close();
    }
  }

  #savepoint(step: Extract<Step, { op: 'savepoint' | 'rollback' }>): void {
    if (step.op === 'savepoint') {
      this.results.push(this.#tx.operationCount);
      this.#savepoints.push(this.#tx.mark());
      return;
    }
    const at = placeOf(step.back, this.#savepoints.length);
    if (at < 0) return;
    for (const walk of this.#walks.values()) walk.close();
    this.#tx.rollBackTo(this.#savepoints[at]!);
    this.#savepoints.length = at + 1;
  }
}

export function conditionHolds(
  condition: 'absent' | 'current' | 'other',
  now: string | undefined,
): boolean {
  return condition === 'current' || (condition === 'absent' && now === undefined);
}

/** What a put is asked for so that the condition is meant. */
export function conditionOf(
  condition: 'absent' | 'current' | 'other',
  now: string | undefined,
): { ifAbsent: true } | { ifValue: string } {
  if (condition === 'other') return { ifValue: OTHER_VALUE };
  return condition === 'absent' || now === undefined ? { ifAbsent: true } : { ifValue: now };
}

function placeOf(back: number, count: number): number {
  return count === 0 ? -1 : count - 1 - (back % count);
}
