import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ROOTS_NEXT_ID, attachShared, createSharedBuffers, storeWide } from '@manifold-db/storage';
import { beforeAll, expect, it } from 'vitest';
import { Families, type FamilyEntry } from './families.js';
import { checkOpenOptions, sharedSizes } from './options/index.js';

let collect: () => void;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as () => void;
});

function newFamilies(): Families {
  const { options } = checkOpenOptions({});
  const shared = attachShared(createSharedBuffers(sharedSizes(options)));
  storeWide(shared.roots, ROOTS_NEXT_ID, 1);
  return new Families(shared);
}

/** What the garbage collector finds once this turn, which keeps what it looked at, is over. */
async function isCollected(entry: WeakRef<FamilyEntry>): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  return entry.deref() === undefined;
}

function create(families: Families, name: string, sequence: number): FamilyEntry {
  const entry = families.entry(name);
  families.beginCreation(entry);
  families.admitCreation(entry, sequence);
  return entry;
}

it('names that were only read are forgotten with their handles', async () => {
  const families = newFamilies();
  families.start(() => 0);
  const read = new WeakRef(families.entry('read'));
  const kept = families.entry('kept');
  const keptAgain = new WeakRef(families.entry('kept'));
  expect(await isCollected(read)).toBe(true);
  expect(await isCollected(keptAgain)).toBe(false);
  families.beginCreation(families.entry('kept'));
  families.admitCreation(families.entry('kept'), 1);
  expect(kept.exists).toBe(true);
  expect(families.names()).toEqual(['default', 'kept']);
});

it('existing families stay, dropped ones go once nobody reads behind the drop', async () => {
  const families = newFamilies();
  let oldestRead = 0;
  families.start(() => oldestRead);
  const { id } = create(families, 'dropped', 1);
  const living = new WeakRef(create(families, 'living', 2));
  const dropped = new WeakRef(families.entry('dropped'));
  families.admitDrop(families.entry('dropped'), 3);
  expect(await isCollected(living)).toBe(false);
  expect(await isCollected(dropped)).toBe(false);
  expect(families.entry('dropped').identityAt(2).id).toBe(id);
  expect(families.entry('dropped').identityAt(3).id).not.toBe(id);
  oldestRead = 3;
  families.admitDrop(create(families, 'other', 4), 5);
  expect(families.byId(id)).toBeUndefined();
  expect(await isCollected(dropped)).toBe(true);
  expect(families.names()).toEqual(['default', 'living']);
});

it('a creation that is given up leaves no name behind', async () => {
  const families = newFamilies();
  families.start(() => 0);
  const begin = (): WeakRef<FamilyEntry> => {
    const entry = families.entry('in vain');
    families.beginCreation(entry);
    families.beginCreation(entry);
    const { id, slot } = entry;
    families.endCreation(entry, id);
    expect(entry.slot).toBe(slot);
    families.endCreation(entry, id);
    expect(families.byId(id)).toBeUndefined();
    return new WeakRef(entry);
  };
  expect(await isCollected(begin())).toBe(true);
});

it('what is only being created was there in no version', () => {
  const families = newFamilies();
  families.start(() => 0);
  const entry = families.entry('new');
  const before = entry.identityAt(5).slot;
  families.beginCreation(entry);
  expect(entry.identityAt(5).slot).toBe(before);
  families.admitCreation(entry, 6);
  expect(entry.identityAt(5).slot).toBe(before);
  expect(entry.identityAt(6).slot).toBe(entry.slot);
});
