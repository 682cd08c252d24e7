/**
 * Commands around the data: watermarks, checkpoints, misuse, comparison of everything, and opening
 * in another mode.
 */
import type { Command } from './commands.js';
import type { Entry } from './content-oracle.js';
import type { HistoryEngine } from './engine.js';
import { CLOSED, firstDifference, outcomeNow, type Expected } from './outcome.js';
import { closeSnapshots, compareSnapshot } from './read-commands.js';
import { FAMILIES } from './values.js';
import type { World } from './world.js';

type Of<Name extends Command['do']> = Extract<Command, { do: Name }>;

/** The call waits for everything that was called before, admitted or not. */
export async function runCare(
  world: World,
  { do: method, isAwaited }: Of<'checkpoint' | 'waitForSync' | 'waitForApply'>,
): Promise<void> {
  const { place } = world;
  const { sequence } = world.model.newest;
  const admitted = new Map(world.engines.map((engine) => [engine, engine.db.lastCommitted]));
  const call = ({ db }: HistoryEngine) => {
    return method === 'checkpoint' ? db.checkpoint() : db[method](sequence);
  };
  await world.issue({ value: undefined }, isAwaited, call, (engine) => {
    const { db } = engine;
    const reached = {
      checkpoint: () => db.stats().sequences.checkpointed,
      waitForSync: () => db.lastSynced,
      waitForApply: () => db.lastApplied,
    }[method]();
    const least = method === 'checkpoint' ? admitted.get(engine)! : sequence;
    if (reached < least) engine.complain(place, `reached ${reached}, not ${least}`);
  });
}

export function runFamilies(world: World): void {
  for (const engine of world.engines) {
    const expected = world.model.states[engine.db.lastCommitted]!.names();
    world.check(
      engine,
      outcomeNow(() => engine.db.columnFamilies()),
      { value: expected },
    );
  }
}

/** The watermarks stand in their order. */
export function runStats(world: World): void {
  for (const engine of world.engines) {
    const { sequences, failure, log } = engine.db.stats();
    const { committed, appended, written, synced, applied, checkpointed } = sequences;
    const order = [checkpointed, synced, written, appended, committed];
    const isOrdered = order.every((sequence, at) => at === 0 || order[at - 1]! <= sequence);
    if (!isOrdered || applied > committed || checkpointed > applied) {
      engine.complain(world.place, `watermarks: ${JSON.stringify(sequences)}`);
    }
    if (log.bytes > log.bytesMax) engine.complain(world.place, `log: ${JSON.stringify(log)}`);
    if (failure !== undefined) engine.complain(world.place, `failed: ${failure.message}`);
  }
}

const TYPE_ERROR = { error: { name: 'TypeError', code: undefined } };
const RANGE_ERROR = { error: { name: 'RangeError', code: undefined } };
const KEY_TOO_LONG = 'k'.repeat(1025);

/** Each is refused by the call itself and writes nothing. */
const MISUSES: readonly { call: (engine: HistoryEngine) => unknown; expected: Expected }[] = [
  { call: ({ db }) => db.put('', 'x'), expected: RANGE_ERROR },
  { call: ({ db }) => db.put(KEY_TOO_LONG, 'x'), expected: RANGE_ERROR },
  { call: ({ db }) => db.put('a', 1 as never), expected: TYPE_ERROR },
  { call: ({ db }) => db.put('\ud800', 'x'), expected: TYPE_ERROR },
  { call: ({ db }) => db.delete(KEY_TOO_LONG), expected: RANGE_ERROR },
  { call: ({ db }) => db.get(KEY_TOO_LONG), expected: RANGE_ERROR },
  { call: ({ db }) => db.clear({ gt: 'a', gte: 'a' }), expected: TYPE_ERROR },
  { call: ({ db }) => db.count({ prefix: 'a', lt: 'b' }), expected: TYPE_ERROR },
  { call: ({ db }) => db.entries({ limit: -1 }), expected: RANGE_ERROR },
  { call: ({ db }) => db.columnFamily(''), expected: RANGE_ERROR },
  { call: ({ db }) => db.put('a', 'x', { ifAbsent: true, ifValue: 'y' }), expected: TYPE_ERROR },
  { call: ({ db }) => db.write((async () => {}) as never), expected: TYPE_ERROR },
  {
    call: ({ db }) => db.writeSync((tx) => tx.put({} as never, 'a', 'x')),
    expected: TYPE_ERROR,
  },
];

export async function runMisuse(world: World, { kind }: Of<'misuse'>): Promise<void> {
  await world.settle();
  const { call, expected } = MISUSES[kind % MISUSES.length]!;
  await world.issue(expected, true, call);
}

// --- everything ---------------------------------------------------------------------------------

/**
 * All contents of all databases against the content oracle, and one of the open snapshots: each
 * time another one, and each once more before it is closed.
 */
export async function runCompare(world: World): Promise<void> {
  await world.settle();
  const { place, oracle, model } = world;
  for (const name of FAMILIES) {
    const [forward, backward] = [oracle.scan(name, false), oracle.scan(name, true)];
    const doubt = firstDifference(model.newest.contents(name).range(), forward);
    if (doubt !== undefined) throw new Error(`model and ${oracle.name}: ${name}: ${doubt}`);
    for (const engine of world.engines) compareFamily(world, engine, name, forward, backward);
  }
  runFamilies(world);
  runStats(world);
  for (const engine of world.engines) {
    if (engine.db.lastCommitted !== model.newest.sequence) {
      const expected = model.newest.sequence;
      engine.complain(place, `${engine.db.lastCommitted} is the last commit, not ${expected}`);
    }
    const slots = [...engine.snapshots.keys()];
    const slot = slots[place.index % slots.length];
    if (slot !== undefined) compareSnapshot(world, engine, slot);
  }
}

function compareFamily(
  world: World,
  engine: HistoryEngine,
  name: string,
  forward: Entry[],
  backward: Entry[],
): void {
  const family = engine.family(name);
  const difference =
    firstDifference([...family.entries()], forward) ??
    firstDifference([...family.entries({ reverse: true })], backward) ??
    firstDifference(family.count(), forward.length);
  if (difference === undefined) return;
  engine.complain(
    world.place,
    `contents of family ${name} against ${world.oracle.name}: ${difference}`,
  );
}

/** Everything stays; handles, snapshots and walks of before are closed. */
export async function runReopen(world: World, { shift }: Of<'reopen'>): Promise<void> {
  const { place } = world;
  await world.settle();
  const modes = world.engines.map(({ mode }) => mode);
  await world.onEach(async (engine) => {
    const family = engine.family('default');
    await engine.close(place);
    const held = [...engine.walks.values()].map(
      ({ walk }) =>
        () =>
          walk.next(),
    );
    for (const { snapshot } of engine.snapshots.values()) {
      held.push(() => family.get('a', { snapshot }) as never);
      snapshot.close();
    }
    held.push(() => family.get('a') as never);
    for (const use of held) world.check(engine, outcomeNow(use), CLOSED);
    engine.walks.clear();
    engine.snapshots.clear();
  });
  const { sequence } = world.model.newest;
  await world.onEach(async (engine) => {
    const at = world.engines.indexOf(engine);
    await engine.open(modes[(at + shift) % modes.length]!, place);
    const { created, lastSequence, clean } = engine.db.stats().recovery;
    const found = { value: { created, clean, lastSequence } };
    engine.mustBe(found, { value: { created: false, clean: true, lastSequence: sequence } }, place);
  });
  await runCompare(world);
}

/** The end of a history: all that is open is looked at once more. */
export async function finish(world: World): Promise<void> {
  await runCompare(world);
  for (const slot of world.engines[0]!.snapshots.keys()) {
    await closeSnapshots(world, slot);
  }
  const { place } = world;
  await world.onEach(async (engine) => {
    for (const { walk } of engine.walks.values()) walk.close();
    await engine.patiently(engine.db.waitForApply(), 'waitForApply', place);
    const { oldestSnapshot } = engine.db.stats();
    const report = await engine.patiently(engine.db.verify(), 'verify', place);
    const found = { value: { oldestSnapshot, problems: report.problems } };
    engine.mustBe(found, { value: { oldestSnapshot: undefined, problems: [] } }, place);
  });
  const { sequence } = world.model.newest;
  await world.onEach(async (engine) => {
    await engine.close(place);
    await engine.open(engine.mode, place);
    engine.mustBe({ value: engine.db.lastCommitted }, { value: sequence }, place);
  });
  await runCompare(world);
}
