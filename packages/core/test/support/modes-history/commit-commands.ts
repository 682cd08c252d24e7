/**
 * Commands that commit: first on the model, which says what must come of it, then on every
 * database.
 */
import type { Commit, CommitOptions, Database, WriteTransaction } from '@manifold-db/core';
import type { BetweenCommand, Command, CommitCommand } from './commands.js';
import type { HistoryEngine } from './engine.js';
import type { ModelTransaction } from './model.js';
import { CONFLICT, firstDifference, type Expected, type Outcome } from './outcome.js';
import {
  GivenUp,
  ModelConflict,
  ModelSteps,
  RealSteps,
  conditionHolds,
  conditionOf,
} from './steps.js';
import { boundsOf, bulkKey, keyOf, valueOf } from './values.js';
import type { World } from './world.js';

type Of<Name extends Command['do']> = Extract<Command, { do: Name }>;

const GIVEN_UP = { error: { name: 'GivenUp', code: undefined } };

/** Whoever is acknowledged finds the watermark that was promised. */
function checkWatermark(
  world: World,
  { durability }: CommitOptions,
): (engine: HistoryEngine, outcome: Outcome) => void {
  const { place } = world;
  return (engine, outcome) => {
    if ('error' in outcome) return;
    const { sequence } = outcome.value as Commit;
    const { lastCommitted, lastSynced } = engine.db;
    if (lastCommitted < sequence) {
      engine.complain(place, `commit ${sequence} was acknowledged, ${lastCommitted} is the last`);
    }
    if (durability === 'immediate' && lastSynced < sequence) {
      engine.complain(place, `commit ${sequence} was acknowledged, ${lastSynced} is synced`);
    }
  };
}

function simpleOnModel(tx: ModelTransaction, command: CommitCommand): void {
  if (command.do === 'put') tx.put(command.family, keyOf(command.key), valueOf(command.value));
  else if (command.do === 'delete') tx.delete(command.family, keyOf(command.key));
  else if (command.do === 'clear') tx.clear(command.family, boundsOf(command.range));
  else if (command.do === 'drop') tx.drop(command.family);
}

function simpleOn(
  engine: HistoryEngine,
  command: BetweenCommand,
  { durability }: CommitOptions = command,
): Promise<Commit> {
  const options = { durability };
  if (command.do === 'drop') return engine.db.dropColumnFamily(command.family, options);
  const family = engine.family(command.family);
  if (command.do === 'put') return family.put(keyOf(command.key), valueOf(command.value), options);
  if (command.do === 'delete') return family.delete(keyOf(command.key), options);
  return family.clear(boundsOf(command.range), options);
}

export async function runSimple(world: World, command: BetweenCommand): Promise<void> {
  const tx = world.model.begin();
  simpleOnModel(tx, command);
  const expected = { value: { sequence: world.model.commit(tx) } };
  const call = (engine: HistoryEngine) => simpleOn(engine, command);
  await world.issue(expected, command.isAwaited, call, checkWatermark(world, command));
}

export async function runPutIf(world: World, command: Of<'putIf'>): Promise<void> {
  const { family, condition, durability } = command;
  const [key, value] = [keyOf(command.key), valueOf(command.value)];
  const tx = world.model.begin();
  const now = tx.contents(family).get(key);
  const holds = conditionHolds(condition, now);
  if (holds) tx.put(family, key, value);
  const expected = holds ? { value: { sequence: world.model.commit(tx) } } : CONFLICT;
  const options = { durability, ...conditionOf(condition, now) };
  const call = (engine: HistoryEngine) => engine.family(family).put(key, value, options);
  await world.issue(expected, command.isAwaited, call, checkWatermark(world, command));
}

export async function runBatch(world: World, command: Of<'batch'>): Promise<void> {
  const { steps, durability } = command;
  const tx = world.model.begin();
  new ModelSteps(tx).run(steps);
  const expected = { value: { sequence: world.model.commit(tx) } };
  const call = (engine: HistoryEngine) => {
    const batch = engine.db.batch();
    for (const step of steps) {
      const family = engine.family(step.family);
      if (step.op === 'put') batch.put(family, keyOf(step.key), valueOf(step.value));
      else if (step.op === 'delete') batch.delete(family, keyOf(step.key));
      else batch.clear(family, boundsOf(step.range));
    }
    return batch.write({ durability });
  };
  await world.issue(expected, command.isAwaited, call, checkWatermark(world, command));
}

export async function runBulk(world: World, command: Of<'bulk'>): Promise<void> {
  const { first, count, stride, durability } = command;
  const value = valueOf(command.value);
  const keys = Array.from({ length: count }, (_, at) => bulkKey(first + at * stride));
  const model = world.model.begin();
  for (const key of keys) model.put(command.family, key, value + key);
  const expected = { value: { sequence: world.model.commit(model), value: undefined } };
  const call = (engine: HistoryEngine) => {
    const family = engine.family(command.family);
    const build = (tx: WriteTransaction): void => {
      for (const key of keys) tx.put(family, key, value + key);
    };
    return engine.db.write(build, { durability });
  };
  await world.issue(expected, command.isAwaited, call, checkWatermark(world, command));
}

/** Runs steps on the model; what stops them. */
function stepsOnModel(run: () => void, isGivenUp: boolean): Expected | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof ModelConflict) return CONFLICT;
    throw error;
  }
  return isGivenUp ? GIVEN_UP : undefined;
}

export async function runWrite(world: World, command: Of<'write'>): Promise<void> {
  const { place } = world;
  const { steps, isGivenUp, durability } = command;
  const tx = world.model.begin();
  const model = new ModelSteps(tx);
  const stopped = stepsOnModel(() => model.run(steps), isGivenUp);
  const expected = stopped ?? { value: { sequence: world.model.commit(tx), value: 'done' } };

  const results = new Map<HistoryEngine, unknown[]>();
  const call = (engine: HistoryEngine) => {
    const build = (real: WriteTransaction): string => {
      const run = new RealSteps(real, (name) => engine.family(name));
      results.set(engine, run.results);
      run.run(steps);
      if (isGivenUp) throw new GivenUp('on purpose');
      return 'done';
    };
    const { db } = engine;
    return command.isSync ? db.writeSync(build, { durability }) : db.write(build, { durability });
  };
  const check = checkWatermark(world, command);
  await world.issue(expected, command.isAwaited, call, (engine, outcome) => {
    const difference = firstDifference(results.get(engine) ?? [], model.results);
    if (difference !== undefined) engine.complain(place, `results of its steps: ${difference}`);
    check(engine, outcome);
  });
}

/** What an optimistic transaction must do: results of each attempt, and how it ends. */
function transactionOnModel(
  world: World,
  command: Of<'transaction'>,
): { expected: Expected; attempts: unknown[][] } {
  const { model } = world;
  const { steps, split, between, retries, isGivenUp } = command;
  const attempts: unknown[][] = [];
  for (let attempt = 0; attempt <= retries; attempt++) {
    const tx = model.begin();
    const run = new ModelSteps(tx);
    attempts.push(run.results);
    const body = (): void => {
      run.run(steps.slice(0, split));
      for (const other of attempt === 0 ? between : []) {
        const commit = model.begin();
        simpleOnModel(commit, other);
        model.commit(commit);
      }
      run.run(steps.slice(split));
    };
    const stopped = stepsOnModel(body, isGivenUp);
    if (stopped !== undefined) return { expected: stopped, attempts };
    if (tx.changes.length > 0 && !tx.isCurrentIn(model.newest)) continue;
    model.commit(model.replay(tx));
    return { expected: { value: attempt }, attempts };
  }
  return { expected: CONFLICT, attempts };
}

export async function runTransaction(world: World, command: Of<'transaction'>): Promise<void> {
  const { steps, split, between, retries, durability, isGivenUp } = command;
  // Its snapshot shows what is admitted: everything, once nothing is waited for.
  await world.settle();
  const { place } = world;
  const { expected, attempts } = transactionOnModel(world, command);
  const sequence = world.model.newest.sequence;
  const seen = new Map<HistoryEngine, unknown[][]>();
  const call = (engine: HistoryEngine) => {
    const runs: unknown[][] = [];
    seen.set(engine, runs);
    const body: Parameters<Database['transaction']>[0] = async (tx) => {
      const attempt = runs.length;
      const run = new RealSteps(tx, (name) => engine.family(name));
      runs.push(run.results);
      run.run(steps.slice(0, split));
      await Promise.resolve();
      if (attempt === 0) {
        for (const other of between) await simpleOn(engine, other, { durability: 'none' });
      }
      run.run(steps.slice(split));
      if (isGivenUp) throw new GivenUp('on purpose');
      return attempt;
    };
    return engine.db.transaction(body, { retries, durability });
  };
  await world.issue(expected, true, call, (engine) => {
    const difference = firstDifference(seen.get(engine), attempts);
    if (difference !== undefined) engine.complain(place, `results of attempts: ${difference}`);
    if (engine.db.lastCommitted !== sequence) {
      engine.complain(place, `${engine.db.lastCommitted} is the last commit, not ${sequence}`);
    }
  });
}
