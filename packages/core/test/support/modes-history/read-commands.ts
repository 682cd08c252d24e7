/**
 * Commands that read: points, ranges, snapshots, and walks that stay open while others commit.
 */
import type { Range } from '@manifold-db/core';
import type { Command, RangeSpec, Select, View } from './commands.js';
import type { Entry } from './content-oracle.js';
import type { HistoryEngine } from './engine.js';
import type { ModelState } from './model.js';
import { ModelWalk } from './model-walk.js';
import { CLOSED, firstDifference, outcomeNow } from './outcome.js';
import { openWalk, takeOf } from './steps.js';
import { FAMILIES, keyOf, rangeOf } from './values.js';
import type { World } from './world.js';

type Of<Name extends Command['do']> = Extract<Command, { do: Name }>;

export async function runPoint(
  world: World,
  { do: method, family, key: name, view }: Of<'get' | 'has'> | Of<'getAsync'>,
): Promise<void> {
  const key = keyOf(name);
  await world.onEach((engine) =>
    world.look(
      engine,
      view,
      (options) => engine.family(family)[method](key, options),
      (state) => {
        const value = state.contents(family).get(key);
        return method === 'has' ? value !== undefined : value;
      },
    ),
  );
}

export async function runGetMany(
  world: World,
  { family, keys: names, view }: Of<'getMany'>,
): Promise<void> {
  const keys = names.map(keyOf);
  await world.onEach((engine) =>
    world.look(
      engine,
      view,
      (options) => engine.family(family).getMany(keys, options),
      (state) => keys.map((key) => state.contents(family).get(key)),
    ),
  );
}

export async function runCount(world: World, { family, range, view }: Of<'count'>): Promise<void> {
  const asked = rangeOf(range);
  await world.onEach((engine) =>
    world.look(
      engine,
      view,
      (options) => engine.family(family).count({ ...asked, ...options }),
      (state) => state.contents(family).range(asked).length,
    ),
  );
}

/** All that a walk over the range shows in one state. */
function expectedScan(state: ModelState, family: string, range: RangeSpec, select: Select) {
  return new ModelWalk(state.contents(family), rangeOf(range), select).take(Infinity);
}

async function collect(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function runScan(
  world: World,
  { family, range, select, view, isAsync }: Of<'scan'>,
): Promise<void> {
  const scan = (engine: HistoryEngine, options: object): unknown => {
    const asked: Range<string> = { ...rangeOf(range), ...options };
    const walk = openWalk(engine.family(family), asked, select);
    return isAsync ? collect(walk) : [...walk];
  };
  await world.onEach((engine) =>
    world.look(
      engine,
      view,
      (options) => scan(engine, options),
      (state) => expectedScan(state, family, range, select),
    ),
  );
}

// --- snapshots ----------------------------------------------------------------------------------

export async function runSnapshot(world: World, { slot }: { slot: number }): Promise<void> {
  await world.settle();
  await closeSnapshots(world, slot);
  const state = world.model.newest;
  const copies = new Map<string, Entry[]>(
    FAMILIES.map((family) => [family, world.oracle.scan(family, false)]),
  );
  for (const engine of world.engines) {
    const snapshot = engine.db.snapshot();
    const expected = { value: state.sequence };
    world.check(engine, { value: snapshot.sequence }, expected);
    engine.snapshots.set(slot, { snapshot, state, copies });
  }
}

/** Compares it a last time; a closed one cannot be read. */
export async function closeSnapshots(world: World, slot: number): Promise<void> {
  for (const engine of world.engines) {
    const held = engine.snapshots.get(slot);
    if (held === undefined) continue;
    compareSnapshot(world, engine, slot);
    engine.snapshots.delete(slot);
    const { snapshot } = held;
    snapshot.close();
    snapshot.close();
    const family = engine.family(FAMILIES[0]!);
    world.check(
      engine,
      outcomeNow(() => family.get('a', { snapshot })),
      CLOSED,
    );
    world.check(
      engine,
      outcomeNow(() => family.entries({ snapshot })),
      CLOSED,
    );
  }
}

export function compareSnapshot(world: World, engine: HistoryEngine, slot: number): void {
  const { snapshot, copies } = engine.snapshots.get(slot)!;
  for (const [name, copy] of copies) {
    const family = engine.family(name);
    const what = `snapshot ${slot} of commit ${snapshot.sequence}, family ${name}`;
    const difference =
      firstDifference([...family.entries({ snapshot })], copy) ??
      firstDifference(
        [...family.keys({ snapshot, reverse: true })],
        copy.map(([key]) => key).reverse(),
      ) ??
      firstDifference(family.count({ snapshot }), copy.length);
    if (difference !== undefined) engine.complain(world.place, `${what}: ${difference}`);
  }
}

// --- walks that stay open -----------------------------------------------------------------------

/** The state that a walk shows; `undefined` when it went on while the walk was made. */
function stateBetween(
  world: World,
  engine: HistoryEngine,
  view: View,
  make: (options: object) => unknown,
): ModelState | undefined {
  const held = world.held(engine, view);
  if (held !== undefined) {
    make({ snapshot: held.snapshot });
    return held.state;
  }
  const { states } = world.model;
  // What is applied may be newer than its watermark: no walk can tell which state it is on.
  if (view !== 'synced') {
    make({});
    return states[engine.db.lastCommitted];
  }
  const before = engine.db.lastSynced;
  make({ consistency: view });
  return engine.db.lastSynced === before ? states[before] : undefined;
}

export async function runOpen(world: World, command: Of<'open'>): Promise<void> {
  const { slot, family, range, select } = command;
  for (const engine of world.engines) {
    engine.walks.get(slot)?.walk.close();
    for (let view = command.view; ; view = 'latest') {
      let walk: ReturnType<typeof openWalk> | undefined;
      const state = stateBetween(world, engine, view, (options) => {
        walk = openWalk(engine.family(family), { ...rangeOf(range), ...options }, select);
      });
      if (state === undefined) {
        walk!.close();
        continue;
      }
      const model = new ModelWalk(state.contents(family), rangeOf(range), select);
      engine.walks.set(slot, { walk: walk!, model });
      break;
    }
  }
}

export async function runWalk(
  world: World,
  command: Of<'step'> | Of<'seek'> | Of<'close'>,
): Promise<void> {
  for (const engine of world.engines) {
    const held = engine.walks.get(command.slot);
    if (held === undefined) continue;
    const { walk, model } = held;
    if (command.do === 'step') {
      const outcome = outcomeNow(() => takeOf(walk, command.count));
      world.check(engine, outcome, { value: model.take(command.count) });
    } else if (command.do === 'seek') {
      walk.seek(keyOf(command.key));
      model.seek(keyOf(command.key));
    } else {
      walk.close();
      model.close();
      world.check(
        engine,
        outcomeNow(() => walk.next().done),
        { value: true },
      );
      engine.walks.delete(command.slot);
    }
  }
}
