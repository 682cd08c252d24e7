/** Single parts of the engine in memory, without threads and files, one small call each. */
import {
  CLAIM_OK,
  Diff,
  FIRST_DATA_PAGE,
  MIB,
  Pager,
  RingConsumer,
  THREAD_MAIN,
  TreeHit,
  TreeRoot,
  TreeWriter,
  attachShared,
  createSharedBuffers,
  initializePageMemory,
  newClaim,
  publishRecord,
  recordBytesFor,
  treeGet,
  tryClaim,
  type Shared,
  type VfsFile,
} from '@manifold-db/storage';
import { Random, shuffled } from '../random.js';

const KEY_BYTES = 8;
const VALUE_BYTES = 150;
const CACHE_BYTES = 256 * MIB;
const FIRST_BIRTH = 1;
const SEED = 23;

function createShared(): Shared {
  return attachShared(
    createSharedBuffers({
      pageBytes: 4096,
      cacheBytes: CACHE_BYTES,
      walRingBytes: 4 * MIB,
      walSegmentBytes: 8 * MIB,
      walBytesMax: 64 * MIB,
      pendingCommitsMax: 64,
      applyWorkers: 1,
      writeBufferBytes: 0,
      writeBufferCount: 0,
    }),
  );
}

/** Everything fits in memory, so nothing is ever read or written. */
function noFile(): VfsFile {
  const refuse = (): never => {
    throw new Error('the micro-benchmarks use no file');
  };
  return {
    read: refuse,
    write: refuse,
    dataSync: refuse,
    sync: refuse,
    truncate: refuse,
    size: refuse,
    close: refuse,
  };
}

/** Appends records to the ring and takes them out again, as the fsync worker would. */
export class RingPart {
  readonly #shared = createShared();
  readonly #consumer = new RingConsumer(this.#shared, 0);
  readonly #claim = newClaim();
  readonly #payload = new Random(SEED).bytes(recordBytesFor(KEY_BYTES + VALUE_BYTES));
  #sequence = 0;

  /** Claims, fills and publishes `count` records, then takes them as one group. */
  append(count: number): number {
    const shared = this.#shared;
    for (let i = 0; i < count; i++) {
      const { length } = this.#payload;
      const result = tryClaim(shared, length, ++this.#sequence, true, this.#claim, true);
      if (result !== CLAIM_OK) throw new Error('the ring is full');
      shared.ringBytes.set(this.#payload, this.#claim.byteOffset);
      publishRecord(shared, this.#claim);
    }
    let taken = 0;
    while (taken < count) {
      taken += this.#consumer.gather(MIB, this.#consumer.claimed());
      this.#consumer.release();
    }
    return taken;
  }
}

/** A tree in shared page frames. */
export class TreePart {
  readonly #pager: Pager;
  readonly #diff = new Diff();
  readonly #key = Buffer.alloc(KEY_BYTES);
  readonly #value = new Random(SEED).bytes(VALUE_BYTES);
  readonly #hit = new TreeHit();
  readonly #kept = new TreeRoot();
  #order: Uint32Array = new Uint32Array(0);
  #next = 0;

  constructor() {
    const shared = createShared();
    initializePageMemory(shared, FIRST_DATA_PAGE, FIRST_BIRTH);
    this.#pager = new Pager({
      shared,
      thread: THREAD_MAIN,
      file: noFile(),
      path: 'memory',
      canWriteThrough: false,
    });
  }

  /** Puts keys 0 to `count - 1` into an empty tree, in the order given. */
  #fill(count: number, order: Uint32Array | undefined): TreeRoot {
    const pager = this.#pager;
    this.#diff.reset(pager.newToken());
    pager.beginOperation();
    const writer = new TreeWriter(pager, this.#diff, new TreeRoot());
    for (let i = 0; i < count; i++) {
      this.#key.writeUInt32BE(order === undefined ? i : order[i]!, 0);
      writer.put(this.#key, 0, KEY_BYTES, this.#value, 0, VALUE_BYTES);
    }
    writer.flush();
    pager.endOperation();
    return writer.root;
  }

  /** Builds a tree of `count` entries and throws it away. */
  insert(count: number, order?: Uint32Array): number {
    const entries = this.#fill(count, order).count;
    this.#pager.rollBack(this.#diff, { allocatedCount: 0, freedCount: 0 });
    return entries;
  }

  /** Builds the tree that `get` reads. */
  prepareGets(count: number): void {
    const root = this.#fill(count, undefined);
    this.#kept.page = root.page;
    this.#kept.birth = root.birth;
    this.#kept.count = root.count;
    this.#order = shuffled(count, SEED);
  }

  /** Finds `count` keys in random order. */
  get(count: number): number {
    const pager = this.#pager;
    let found = 0;
    pager.beginOperation();
    for (let i = 0; i < count; i++) {
      this.#next = (this.#next + 1) % this.#order.length;
      this.#key.writeUInt32BE(this.#order[this.#next]!, 0);
      if (treeGet(pager, this.#kept, this.#key, KEY_BYTES, this.#hit)) found++;
    }
    pager.endOperation();
    return found;
  }
}
