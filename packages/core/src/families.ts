/**
 * Column families as the opening thread knows them: a cache of the admitted rows and names in
 * shared memory (`layout/roots.ts`), by name and by id. Main thread only.
 *
 * Invariants
 * 1. An entry object stands for one name for as long as anybody has it; its id and slot change
 *    when the family is dropped and written again. What has an id, or had one that somebody may
 *    still name, is in `#byId`; all other entries belong to the handles of the program alone.
 * 2. `exists` is what the newest admitted commit says. A family gets its id and slot when a
 *    transaction first writes to it, and exists once that transaction is admitted. Transactions
 *    that create the same family share both; they are given back when all of them are given up.
 * 3. A slot is handed out again only after the drop of its last family was checkpointed, or when
 *    its family never came to be.
 * 4. An earlier life of a name is forgotten once no version before its drop is read, nor can be.
 */
import {
  COLUMN_FAMILIES_MAX,
  COLUMN_FAMILY_NAME_BYTES_MAX,
  FAMILY_LIVE,
  ManifoldError,
  PROGRESS_CHECKPOINTED,
  ROOTS_NEXT_ID,
  ROOTS_SLOTS,
  ROOT_ID,
  ROOT_WORDS,
  RootRow,
  type TreeRoot,
  admittedRowAt,
  decodeRootRow,
  encodeRootRow,
  loadWide,
  loadWideOwned,
  storeWide,
  writeFamilyName,
  type FamilyAtStart,
  type Shared,
} from '@manifold-db/storage';
import { Fifo } from './fifo.js';

export const NO_SLOT = -1;
const NO_ID = 0;
export const DEFAULT_FAMILY = 'default';

export class FamilyEntry {
  readonly name: string;
  readonly nameBytes: Buffer;
  slot = NO_SLOT;
  id = NO_ID;
  exists = false;
  /** Transactions that were creating the family of now, before it existed. */
  creators = 0;
  /** The commit that created the family of now; Infinity while it is not admitted. */
  createdAt = 0;
  /** Earlier lives of the name that somebody may still read, oldest first. */
  readonly past: PastFamily[] = [];

  constructor(name: string, nameBytes: Buffer) {
    this.name = name;
    this.nameBytes = nameBytes;
  }

  /**
   * An id that names it in operations: of the family, or of its last life once it is dropped. Not
   * the one under which other transactions create it: that is gone when they are given up.
   */
  get operationId(): number {
    return this.exists ? this.id : (this.past.at(-1)?.id ?? this.id);
  }

  /** Where the family that had this name at a sequence has its row. */
  identityAt(sequence: number): Identity {
    const family = this.past[this.#pastBefore(sequence)] ?? this;
    return sequence < family.createdAt ? ABSENT : family;
  }

  /** Forgets the lives that had ended by then. */
  forgetUpTo(sequence: number): void {
    this.past.splice(0, this.#pastBefore(sequence));
  }

  /** How many of the earlier lives had ended at a sequence. */
  #pastBefore(sequence: number): number {
    const { past } = this;
    let low = 0;
    let high = past.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sequence < past[middle]!.droppedAt) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

interface Identity {
  readonly id: number;
  readonly slot: number;
}

const ABSENT: Identity = { id: NO_ID, slot: NO_SLOT };

interface PastFamily extends Identity {
  readonly createdAt: number;
  readonly droppedAt: number;
}

/** The end of one life of a name. */
interface Ended {
  readonly entry: FamilyEntry;
  readonly id: number;
  readonly droppedAt: number;
}

/** A slot whose family was dropped at `sequence`. */
interface DroppedSlot {
  readonly slot: number;
  readonly sequence: number;
}

export class Families {
  readonly #shared: Shared;
  readonly #byName = new Map<string, WeakRef<FamilyEntry>>();
  readonly #byId = new Map<number, FamilyEntry>();
  /** Names that were only read, or are dropped, go with the last handle. */
  readonly #unknown = new FinalizationRegistry<string>((name) => {
    if (this.#byName.get(name)?.deref() === undefined) this.#byName.delete(name);
  });
  readonly #dropped: DroppedSlot[] = [];
  /** Slots given back by creations that came to nothing. */
  readonly #unused: number[] = [];
  /** Of all lives that are not forgotten, in this order. */
  readonly #ended = new Fifo<Ended>();
  #oldestRead: (() => number) | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** Recovery is over; `oldestRead` says before which version nobody reads, now or later. */
  start(oldestRead: () => number): void {
    this.#oldestRead = oldestRead;
    for (const [id, entry] of this.#byId) {
      if (entry.id !== id) this.#byId.delete(id);
    }
  }

  /** The entry of a name; made when it is new. Throws for a name that cannot be stored. */
  entry(name: string): FamilyEntry {
    const known = this.#byName.get(name)?.deref();
    if (known !== undefined) return known;
    if (typeof name !== 'string') throw new TypeError('name: a column family name is a string');
    if (!name.isWellFormed()) throw new TypeError('name: lone surrogates cannot be stored');
    const nameBytes = Buffer.from(name);
    if (nameBytes.length === 0 || nameBytes.length > COLUMN_FAMILY_NAME_BYTES_MAX) {
      throw new RangeError(
        `name: a column family name has 1 to ${COLUMN_FAMILY_NAME_BYTES_MAX} bytes of UTF-8, ` +
          `this one has ${nameBytes.length}`,
      );
    }
    const entry = new FamilyEntry(name, nameBytes);
    this.#byName.set(name, new WeakRef(entry));
    this.#unknown.register(entry, name);
    return entry;
  }

  /** Takes in the families of a checkpoint; their slot is their place in the list. */
  adopt(families: readonly FamilyAtStart[]): void {
    families.forEach(({ id, name }, slot) => {
      const entry = this.entry(name);
      entry.id = id;
      entry.slot = slot;
      entry.exists = true;
      this.#byId.set(id, entry);
    });
  }

  /** The entry of a family id that a log record or a catalog row names, or `undefined`. */
  byId(id: number): FamilyEntry | undefined {
    return this.#byId.get(id);
  }

  /** Of the families that exist in the newest version, or in another one. */
  names(exists = (entry: FamilyEntry): boolean => entry.exists): string[] {
    const entries = new Set(this.#byId.values());
    const names = [...entries].filter((entry) => exists(entry)).map((entry) => entry.name);
    if (!names.includes(DEFAULT_FAMILY)) names.push(DEFAULT_FAMILY);
    return names.sort();
  }

  /** Gives an entry that has none an id and a slot; `id` when recovery knows it already. */
  assign(entry: FamilyEntry, id?: number): void {
    const { roots } = this.#shared;
    const next = loadWideOwned(roots, ROOTS_NEXT_ID);
    entry.slot = this.#takeSlot(entry);
    entry.id = id ?? next;
    entry.createdAt = Infinity;
    entry.creators = 0;
    storeWide(roots, ROOTS_NEXT_ID, Math.max(next, entry.id + 1));
    this.#byId.set(entry.id, entry);
    writeFamilyName(this.#shared, entry.slot, entry.name);
  }

  /** A transaction creates the family; it has id and slot from here on. */
  beginCreation(entry: FamilyEntry): void {
    if (entry.slot === NO_SLOT) this.assign(entry);
    entry.creators++;
  }

  /**
   * A transaction gives up its creation of the family that got this id. The family may have been
   * committed meanwhile, by this transaction in another builder or by another one.
   */
  endCreation(entry: FamilyEntry, id: number): void {
    if (entry.exists || entry.id !== id || --entry.creators > 0) return;
    this.#unused.push(entry.slot);
    this.#byId.delete(id);
    entry.slot = NO_SLOT;
    entry.id = NO_ID;
  }

  /** The family's creation was admitted. */
  admitCreation(entry: FamilyEntry, sequence: number): void {
    entry.createdAt = sequence;
    entry.exists = true;
  }

  /** The family's drop was admitted: the name is free, the slot waits for its checkpoint. */
  admitDrop(entry: FamilyEntry, sequence: number): void {
    this.#dropped.push({ slot: entry.slot, sequence });
    const { id, slot, createdAt } = entry;
    entry.exists = false;
    entry.slot = NO_SLOT;
    entry.id = NO_ID;
    // Also one in the log that recovery replays: until that is published, `applied` shows what the
    // checkpoint holds.
    entry.past.push({ id, slot, createdAt, droppedAt: sequence });
    this.#ended.push({ entry, id, droppedAt: sequence });
    if (this.#oldestRead !== undefined) this.#forgetUpTo(this.#oldestRead());
  }

  /** What only versions before this one show. */
  #forgetUpTo(sequence: number): void {
    for (;;) {
      const first = this.#ended.peek();
      if (first === undefined || first.droppedAt > sequence) return;
      this.#ended.shift();
      first.entry.forgetUpTo(sequence);
      this.#byId.delete(first.id);
    }
  }

  /** Reads the admitted root of an entry into `root`; an absent family is an empty tree. */
  readAdmitted(entry: FamilyEntry, root: TreeRoot): void {
    if (entry.exists) readRow(this.#shared.roots, admittedRowAt(entry.slot), entry.id, root);
    else clearRoot(root);
  }

  #takeSlot(entry: FamilyEntry): number {
    const { roots } = this.#shared;
    const slots = roots[ROOTS_SLOTS]!;
    if (this.#unused.length + COLUMN_FAMILIES_MAX - slots > this.#slotsKept(entry)) {
      const unused = this.#unused.pop();
      if (unused !== undefined) return unused;
      Atomics.store(roots, ROOTS_SLOTS, slots + 1);
      return slots;
    }
    const free = this.#dropped[0];
    if (free === undefined || free.sequence > this.#checkpointed()) {
      throw new ManifoldError(
        'ERR_MANIFOLD_LIMIT',
        `a database holds at most ${COLUMN_FAMILIES_MAX} column families; ` +
          'a checkpoint() frees the places of dropped ones',
      );
    }
    this.#dropped.shift();
    return free.slot;
  }

  /** The family `default` exists always: its first write must find a place. */
  #slotsKept(entry: FamilyEntry): number {
    if (entry.name === DEFAULT_FAMILY) return 0;
    return this.entry(DEFAULT_FAMILY).slot === NO_SLOT ? 1 : 0;
  }

  #checkpointed(): number {
    return loadWide(this.#shared.progress, PROGRESS_CHECKPOINTED);
  }
}

// --- rows ---------------------------------------------------------------------------------------

const scratchRow = new RootRow();

export function clearRoot(root: TreeRoot): void {
  root.page = 0;
  root.birth = 0;
  root.count = 0;
}

/** Reads the row at word `at`; false, and an empty tree, when the family has none there. */
export function readRow(words: Int32Array, at: number, id: number, root: TreeRoot): boolean {
  decodeRootRow(words, at, scratchRow);
  return rootOfRow(scratchRow, id, root);
}

export function rootOfRow(row: RootRow, id: number, root: TreeRoot): boolean {
  if (row.id !== id || row.state !== FAMILY_LIVE) {
    clearRoot(root);
    return false;
  }
  root.page = row.page;
  root.birth = row.birth;
  root.count = row.count;
  return true;
}

export function writeRow(words: Int32Array, at: number, id: number, root: TreeRoot): void {
  scratchRow.id = id;
  scratchRow.page = root.page;
  scratchRow.birth = root.birth;
  scratchRow.count = root.count;
  scratchRow.state = FAMILY_LIVE;
  encodeRootRow(words, at, scratchRow);
}

export function writeAbsentRow(words: Int32Array, at: number, id: number): void {
  words.fill(0, at, at + ROOT_WORDS);
  words[at + ROOT_ID] = id;
}
