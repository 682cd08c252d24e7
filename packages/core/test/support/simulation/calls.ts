/**
 * The calls of the simulated program, by name: each draws its arguments and makes one call of the
 * public API, with what must come of it.
 */
import type { ColumnFamily, Transaction, WriteTransaction } from '@manifold-db/core';
import { Submission, type ReadNote } from './ledger.js';
import { FAMILIES, KEYS, type Family, type ModelOperation } from './model.js';
import { CALLS, type CallName } from './plan.js';
import { SnapshotReader, WalkReader, compareAll, compareView } from './readers.js';
import { GIVEN_UP, type World } from './world.js';

const READERS_MAX = 6;
const TRANSACTIONS_MAX = 4;
const OPERATIONS_MAX = 6;
const RETRIES = 2;

/** Keys [from, end) as the API takes them; beyond the last key the side is open. */
function range(from: number, end: number): { gte: string; lt?: string } {
  return end < KEYS.length ? { gte: KEYS[from]!, lt: KEYS[end]! } : { gte: KEYS[from]! };
}

function handleOf(world: World, family: Family): ColumnFamily {
  return world.families.get(family)!;
}

/** Inside a transaction. */
function carryOut(
  world: World,
  tx: WriteTransaction | Transaction,
  operations: readonly ModelOperation[],
): void {
  for (const operation of operations) {
    const handle = handleOf(world, operation.family);
    if (operation.do === 'put') tx.put(handle, KEYS[operation.key]!, operation.value);
    else if (operation.do === 'delete') tx.delete(handle, KEYS[operation.key]!);
    else if (operation.do === 'clear') tx.clear(handle, range(operation.from, operation.end));
  }
}

// --- commits of one call ------------------------------------------------------------------------

function put(world: World): void {
  const operation = world.put();
  if (operation.do !== 'put') return;
  const { family, key, value } = operation;
  const durability = world.durability();
  world.commit(new Submission('put', [operation]), durability, () =>
    handleOf(world, family).put(KEYS[key]!, value, { durability }),
  );
}

function deleteOne(world: World): void {
  const operation = world.delete();
  if (operation.do !== 'delete') return;
  const durability = world.durability();
  world.commit(new Submission('delete', [operation]), durability, () =>
    handleOf(world, operation.family).delete(KEYS[operation.key]!, { durability }),
  );
}

function clear(world: World): void {
  const operation = world.clear();
  if (operation.do !== 'clear') return;
  const durability = world.durability();
  const { family, from, end } = operation;
  world.commit(new Submission('clear', [operation]), durability, () =>
    handleOf(world, family).clear(range(from, end), { durability }),
  );
}

function drop(world: World): void {
  const family = world.chance(0.5) ? 'left' : 'right';
  const durability = world.durability();
  world.commit(new Submission('drop', [{ do: 'drop', family }]), durability, () =>
    world.database.dropColumnFamily(family, { durability }),
  );
}

function batch(world: World): void {
  const operations = world.operations(OPERATIONS_MAX);
  const durability = world.durability();
  const made = world.database.batch();
  for (const operation of operations) {
    const handle = handleOf(world, operation.family);
    if (operation.do === 'put') made.put(handle, KEYS[operation.key]!, operation.value);
    else if (operation.do === 'delete') made.delete(handle, KEYS[operation.key]!);
    else if (operation.do === 'clear') made.clear(handle, range(operation.from, operation.end));
  }
  world.commit(new Submission('batch', operations), durability, () => made.write({ durability }));
}

/** Reads in the callback of a write see every commit before it. */
function readInside(world: World, tx: WriteTransaction): void {
  const { database, model } = world;
  const sequence = database.lastCommitted;
  const [family, key] = [world.family(), world.key()];
  const found = tx.get(handleOf(world, family), KEYS[key]!);
  world.later(() => {
    if (found === model.get(family, key, sequence)) return undefined;
    return `a write on ${sequence} reads another ${family}/${KEYS[key]}`;
  });
}

function body(world: World, operations: readonly ModelOperation[], isGivenUp: boolean) {
  const [rereads, goesBack] = [world.chance(0.5), world.chance(0.15)];
  return (tx: WriteTransaction): void => {
    if (rereads) readInside(world, tx);
    if (goesBack) {
      const savepoint = tx.savepoint();
      carryOut(world, tx, [world.put(), world.clear()]);
      tx.rollbackTo(savepoint);
    }
    carryOut(world, tx, operations);
    const last = operations.at(-1)!;
    if (last.do === 'put') {
      const own = tx.get(handleOf(world, last.family), KEYS[last.key]!);
      if (own !== last.value) world.problem('a write does not see what it wrote');
    }
    if (isGivenUp) throw new Error(GIVEN_UP.slice('Error: '.length));
  };
}

function write(world: World): void {
  const operations = world.operations(OPERATIONS_MAX);
  const durability = world.durability();
  const build = body(world, operations, world.chance(0.06));
  world.commit(new Submission('write', operations), durability, () =>
    world.database.write(build, { durability }),
  );
}

function writeSync(world: World): void {
  const operations = world.operations(OPERATIONS_MAX);
  const durability = world.durability();
  const build = body(world, operations, false);
  world.commit(new Submission('writeSync', operations), durability, () =>
    Promise.resolve(world.database.writeSync(build, { durability })),
  );
}

// --- optimistic transactions --------------------------------------------------------------------

function noteRead(world: World, tx: Transaction, family: Family, key: number): ReadNote {
  const { model } = world;
  const { sequence } = tx;
  const value = tx.get(handleOf(world, family), KEYS[key]!);
  world.later(() => {
    if (value === model.get(family, key, sequence)) return undefined;
    return `a transaction on ${sequence} reads another ${family}/${KEYS[key]}`;
  });
  return { family, key, value };
}

/** What it reads holds when it commits; what it deletes it has read. */
async function attempt(world: World, tx: Transaction): Promise<Submission> {
  const reads: ReadNote[] = [];
  for (let count = world.whole(0, 3); count > 0; count--) {
    reads.push(noteRead(world, tx, world.family(), world.key()));
  }
  await new Promise<void>((resolve) => world.gates.push(resolve));
  const operations: ModelOperation[] = [world.put()];
  if (world.chance(0.4)) {
    const [family, key] = [world.family(), world.key()];
    const note = noteRead(world, tx, family, key);
    reads.push(note);
    if (note.value !== undefined) operations.unshift({ do: 'delete', family, key });
  }
  carryOut(world, tx, operations);
  return world.ledger.submit(new Submission('transaction', operations, reads));
}

function goOn(world: World): void {
  const at = world.whole(0, world.gates.length - 1);
  world.gates.splice(at, 1)[0]!();
}

function transaction(world: World): void {
  if (world.gates.length > 0 && (world.gates.length >= TRANSACTIONS_MAX || world.chance(0.6))) {
    goOn(world);
    return;
  }
  const durability = world.durability();
  let last: Submission | undefined;
  const run = async (tx: Transaction): Promise<void> => {
    if (last !== undefined) {
      if (last.sequence !== 0) world.problem(`commit ${last.sequence} runs again`);
      last.isRefused = true;
      last = undefined;
    }
    last = await attempt(world, tx);
  };
  world.follow(
    'transaction',
    () => world.database.transaction(run, { durability, retries: RETRIES }),
    () => {
      const submission = last!;
      world.later(() => {
        const { sequence } = submission;
        if (sequence === 0) return 'a transaction resolved, and nothing was committed';
        world.settled({ submission, durability, sequence });
        return undefined;
      });
    },
    (code) => {
      if (last !== undefined) world.settled({ submission: last, durability, code });
    },
  );
}

// --- reads --------------------------------------------------------------------------------------

/** What default reads show: after a failure only what is synced. */
function shown(world: World): number {
  return world.hasFailed ? world.database.lastSynced : world.database.lastCommitted;
}

function read(world: World): void {
  const family = world.family();
  const handle = handleOf(world, family);
  const sequence = shown(world);
  const keys = [world.key(), world.key(), world.key()];
  const names = keys.map((key) => KEYS[key]!);
  const expected = keys.map((key) => world.model.get(family, key, sequence));
  const found = world.answer('get', () => handle.getMany(names));
  const single = world.answer('get', () => ({ value: handle.get(names[0]!) }));
  const has = world.answer('has', () => handle.has(names[1]!));
  const isWrong =
    (found?.some((value, i) => value !== expected[i]) ?? false) ||
    (single !== undefined && single.value !== expected[0]) ||
    (has !== undefined && has !== (expected[1] !== undefined));
  if (isWrong) world.problem(`a read of ${family} does not show ${sequence}`);
}

function scan(world: World): void {
  const { database, model } = world;
  const sequence = shown(world);
  compareAll(world, sequence);
  const family = world.family();
  const counted = world.answer('count', () => handleOf(world, family).count());
  if (counted !== undefined && counted !== model.entries(family, sequence).length) {
    world.problem(`count of ${family} gives ${counted} at ${sequence}`);
  }
  if (world.hasFailed) return;
  const names = FAMILIES.filter((name) => model.exists(name, sequence)).sort();
  const listed = database.columnFamilies().join();
  if (listed !== names.join()) world.problem(`families ${listed} instead of ${names.join()}`);
}

function view(world: World): void {
  compareView(world, world.chance(0.5) ? 'synced' : 'applied');
}

function lookAtReader(world: World): void {
  const at = world.whole(0, world.readers.length - 1);
  const reader = world.readers[at]!;
  const goesOn = reader.look();
  if (goesOn && !world.chance(0.15)) return;
  world.readers.splice(at, 1);
  reader.close();
}

function snapshot(world: World): void {
  if (world.readers.length > 0 && (world.readers.length >= READERS_MAX || world.chance(0.6))) {
    lookAtReader(world);
    return;
  }
  const taken = world.answer('snapshot', () => world.database.snapshot());
  if (taken === undefined) return;
  const sequence = shown(world);
  if (taken.sequence !== sequence) {
    world.problem(`a snapshot of ${taken.sequence} instead of ${sequence}`);
  }
  world.readers.push(new SnapshotReader(world, taken));
}

function walk(world: World): void {
  if (world.readers.length > 0 && (world.readers.length >= READERS_MAX || world.chance(0.6))) {
    lookAtReader(world);
    return;
  }
  const family = world.family();
  const from = world.key();
  const end = world.whole(from, KEYS.length);
  const reverse = world.chance(0.5);
  const sequence = shown(world);
  const inside = (key: string): boolean => key >= KEYS[from]! && key < (KEYS[end] ?? '~');
  const expected = world.model.entries(family, sequence).filter(([key]) => inside(key));
  if (reverse) expected.reverse();
  const entries = world.answer('entries', () =>
    handleOf(world, family).entries({ ...range(from, end), reverse }),
  );
  if (entries === undefined) return;
  const name = `a walk ${reverse ? 'back ' : ''}over ${family} at ${sequence}`;
  world.readers.push(new WalkReader(world, name, entries, expected));
}

// --- care ---------------------------------------------------------------------------------------

/** Everything committed now is durable when the promise resolves. */
function isDurable(world: World, sequence: number): void {
  world.acknowledged = Math.max(world.acknowledged, sequence);
  const { lastSynced } = world.database;
  if (lastSynced < sequence) world.problem(`${sequence} is waited for, ${lastSynced} is synced`);
}

export function checkpoint(world: World): void {
  const { database } = world;
  const sequence = database.lastCommitted;
  world.follow(
    'checkpoint',
    () => database.checkpoint(),
    () => isDurable(world, sequence),
  );
}

function wait(world: World): void {
  const { database } = world;
  const sequence = database.lastCommitted;
  if (world.chance(0.5)) {
    world.follow(
      'waitForSync',
      () => database.waitForSync(),
      () => isDurable(world, sequence),
    );
    return;
  }
  const applied = (): void => {
    const { lastApplied } = database;
    if (lastApplied < sequence) world.problem(`${sequence} is waited for, not ${lastApplied}`);
  };
  world.follow('waitForApply', () => database.waitForApply(), applied);
}

const BY_NAME: Readonly<Record<CallName, (world: World) => void>> = {
  put,
  delete: deleteOne,
  clear,
  drop,
  batch,
  write,
  writeSync,
  transaction,
  read,
  scan,
  view,
  snapshot,
  walk,
  checkpoint,
  wait,
};

/** The next call of the program. */
export function call(world: World): void {
  const { callShares } = world.plan;
  const drawn = world.course.random() * callShares.at(-1)!;
  const name = CALLS[callShares.findIndex((share) => drawn < share)]!;
  world.course.hash.text(name);
  BY_NAME[name](world);
  world.course.hash.number(world.database.lastCommitted);
}

/** A transaction that waits for the program goes on; false when there is none. */
export function goOnWithOne(world: World): boolean {
  if (world.gates.length === 0) return false;
  goOn(world);
  return true;
}
