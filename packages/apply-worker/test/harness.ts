/**
 * Apply workers in one thread over a simulated disk. The test plays the main thread (builds real
 * tree diffs, pushes them) and the fsync worker (moves SYNCED, leaves log segments).
 */
import {
  DATA_FILE_NAME,
  Diff,
  FAMILY_LIVE,
  PAGES_FREE_COUNT,
  claimPagesAtEnd,
  forEachPage,
  LOG_PREPARED_SEGMENT,
  LOG_WRITING_OFFSET,
  LOG_WRITING_SEGMENT,
  PROGRESS_APPENDED,
  PROGRESS_APPLIED,
  PROGRESS_CHECKPOINTED,
  PROGRESS_CHECKPOINT_DONE,
  PROGRESS_CHECKPOINT_WANTED,
  PROGRESS_SYNCED,
  PROGRESS_TEST_SWITCH,
  PROGRESS_WRITTEN,
  Pager,
  PendingEntry,
  QueueProducer,
  ROOT_WORDS,
  RootRow,
  RootSetReader,
  SEGMENT_DATA_OFFSET,
  SimulatedDisk,
  SnapshotPins,
  THREAD_MAIN,
  TreeCursor,
  type TreeRoot,
  TreeWriter,
  assert,
  attachShared,
  createRealVfs,
  databaseState,
  createSharedBuffers,
  encodeRootRow,
  initializeLogSpace,
  initializePageMemory,
  initializeVersion,
  loadCatalog,
  loadCheckpoint,
  loadWide,
  nextColumnFamilyId,
  parseSegmentFileName,
  readAdmittedRow,
  NO_PAGE,
  readFailure,
  readOverflow,
  seedFreePages,
  segmentRowAt,
  storeNextColumnFamilyId,
  storeWide,
  usedSlots,
  writeAdmittedRow,
  writeFamilyName,
  type Applier,
  type ApplyInit,
  type Failure,
  type FamilyAtStart,
  type LoadedCheckpoint,
  type Shared,
  type SharedBuffers,
  type SharedSizes,
  type Vfs,
} from '@manifold-db/storage';
import { createApplyLoop } from '@manifold-db/apply-worker';
import {
  DATA_PATH,
  DIRECTORY,
  SIZES,
  createFiles,
  entries,
  newDisk,
  rootOf,
  withoutEmpty,
  type Changes,
  type Content,
} from './support.js';

export { DATA_PATH, DIRECTORY, SIZES, entries, withoutEmpty, type Changes, type Content };

export interface HarnessOptions {
  readonly disk?: SimulatedDisk;
  readonly sizes?: Partial<SharedSizes>;
  readonly applier?: Applier;
  readonly init?: Partial<ApplyInit>;
  /** Real files instead of a simulated disk; the test starts the workers itself. */
  readonly realDirectory?: string;
  /** What the loops see instead of the disk itself. */
  readonly wrapVfs?: (vfs: Vfs) => Vfs;
}

const IDLE_ROUNDS = 4;
const STEPS_MAX = 200_000;
const encoder = new TextEncoder();

export class Harness {
  readonly disk: SimulatedDisk;
  readonly vfs: Vfs;
  readonly checkpoint: LoadedCheckpoint;
  readonly buffers: SharedBuffers;
  readonly shared: Shared;
  readonly pager: Pager;
  readonly producer: QueueProducer;
  readonly pins: SnapshotPins;
  readonly reader: RootSetReader;
  readonly families: readonly FamilyAtStart[];
  readonly inits: readonly ApplyInit[];
  readonly loops: ReturnType<typeof createApplyLoop>[];
  /** What the trees hold, by sequence. */
  readonly history = new Map<number, Content>();
  /** What the commits did to pages: page numbers by sequence. */
  readonly diffs = new Map<number, { allocated: number[]; freed: number[] }>();
  nowMs = 0;
  readonly #diff = new Diff();

  constructor(options: HarnessOptions = {}) {
    const sizes = { ...SIZES, ...options.sizes };
    const directory = options.realDirectory ?? DIRECTORY;
    const isReal = options.realDirectory !== undefined;
    this.disk = isReal ? new SimulatedDisk() : (options.disk ?? newDisk(sizes));
    this.vfs = isReal ? createRealVfs() : this.disk.vfs();
    if (isReal && databaseState(this.vfs, directory) === 'absent') {
      createFiles(this.vfs, directory, sizes);
    }
    this.checkpoint = loadCheckpoint(this.vfs, directory);
    const { meta, freeMap } = this.checkpoint;
    this.buffers = createSharedBuffers(sizes);
    this.shared = attachShared(this.buffers);
    initializePageMemory(this.shared, meta.pageCount, meta.birthCounter);
    const path = `${directory}/${DATA_FILE_NAME}`;
    this.pager = new Pager({
      shared: this.shared,
      thread: THREAD_MAIN,
      file: this.vfs.open(path, 'read-write'),
      path,
      canWriteThrough: true,
    });
    this.pager.loader.reserveScratch();
    const families = loadCatalog(this.pager, meta);
    this.families = families;
    initializeVersion(this.shared, {
      sequence: meta.sequence,
      mark: meta.birthCounter,
      nextColumnFamilyId: meta.nextColumnFamilyId,
      families,
    });
    const seededBelow = seedFreePages(this.pager, freeMap.inUse, meta.pageCount);
    initializeLogSpace(this.shared, {
      oldestSegment: meta.walSegmentNumber,
      writingSegment: meta.walSegmentNumber,
      writingOffset: SEGMENT_DATA_OFFSET,
      preparedSegment: meta.walSegmentNumber,
      lastSequence: meta.sequence,
    });
    this.producer = new QueueProducer(this.shared);
    this.pins = new SnapshotPins(this.shared);
    this.reader = new RootSetReader(this.shared);
    this.inits = this.#applyInits(options, directory, seededBelow);
    const vfs = options.wrapVfs?.(this.vfs) ?? this.vfs;
    const environment = { nowMs: () => this.nowMs };
    this.loops = isReal ? [] : this.inits.map((init) => createApplyLoop(init, vfs, environment));
    this.history.set(meta.sequence, this.admittedContent());
  }

  #applyInits(options: HarnessOptions, directory: string, seededBelow: number): ApplyInit[] {
    const { meta } = this.checkpoint;
    return Array.from({ length: this.buffers.sizes.applyWorkers }, (_, workerIndex) => ({
      buffers: this.buffers,
      directory,
      vfs: { kind: 'real' as const },
      databaseId: meta.databaseId,
      workerIndex,
      applier: options.applier ?? 'worker',
      meta,
      seededBelow,
      obsoleteSegments: this.#obsoleteSegments(directory),
      segmentsAheadTarget: 1,
      checkpointIntervalMs: 1e9,
      dirtyShareMax: 0.9,
      ...options.init,
    }));
  }

  /** All that recovery would not call live. */
  #obsoleteSegments(directory: string): string[] {
    const { walSegmentNumber } = this.checkpoint.meta;
    return this.vfs.list(directory).filter((name) => {
      return (parseSegmentFileName(name) ?? walSegmentNumber) !== walSegmentNumber;
    });
  }

  // --- progress words ---------------------------------------------------------------------------

  get appended(): number {
    return loadWide(this.shared.progress, PROGRESS_APPENDED);
  }

  get applied(): number {
    return loadWide(this.shared.progress, PROGRESS_APPLIED);
  }

  get checkpointed(): number {
    return loadWide(this.shared.progress, PROGRESS_CHECKPOINTED);
  }

  get failure(): Failure | undefined {
    return readFailure(this.shared);
  }

  logWord(word: number): number {
    return Atomics.load(this.shared.logSpace, word);
  }

  // --- the main thread --------------------------------------------------------------------------

  /** A family in the slot; its creation rides in the next commit that writes to it. */
  createFamily(slot: number, id: number, name: string): void {
    writeFamilyName(this.shared, slot, name);
    storeNextColumnFamilyId(this.shared, Math.max(id + 1, nextColumnFamilyId(this.shared)));
    const row = new RootRow();
    row.id = id;
    row.state = FAMILY_LIVE;
    writeAdmittedRow(this.shared, slot, row);
  }

  /** Drops the family in a slot with one commit; not synced yet. */
  dropFamily(slot: number): number {
    const { shared, pager } = this;
    const row = new RootRow();
    readAdmittedRow(shared, slot, row);
    const diff = this.#diff;
    diff.reset(pager.newToken());
    pager.beginOperation();
    forEachPage(pager, rootOf(row), (page, birth) => diff.pushFreed(page, birth));
    pager.endOperation();
    const dropped = new RootRow();
    dropped.id = row.id;
    const content = { ...this.history.get(this.appended) };
    delete content[slot];
    const sequence = this.#push({}, diff, [[slot, dropped]]);
    this.history.set(sequence, content);
    return sequence;
  }

  /** Takes page numbers that nobody ever uses. */
  skipPages(count: number): void {
    claimPagesAtEnd(this.shared, count);
    const control = this.shared.pagesControl;
    control[PAGES_FREE_COUNT] = 0;
  }

  /** A commit that claims a meta page as newly allocated. */
  pushBroken(sequence: number): void {
    const entry = new PendingEntry();
    entry.resetLists(sequence, this.pager.birthMark(), Int32Array.of(0), 1, new Int32Array(0), 0);
    storeWide(this.shared.progress, PROGRESS_APPENDED, sequence);
    storeWide(this.shared.progress, PROGRESS_WRITTEN, sequence);
    this.producer.push(entry);
  }

  /** Builds, appends and pushes one commit; returns its sequence. Not synced yet. */
  commit(changes: Changes): number {
    this.pager.beginOperation();
    try {
      return this.commitInsideOperation(changes);
    } finally {
      this.pager.endOperation();
    }
  }

  commitInsideOperation(changes: Changes): number {
    const { shared, pager } = this;
    const diff = this.#diff;
    diff.reset(pager.newToken());
    const rows: [number, RootRow][] = [];
    for (const [slot, changed] of Object.entries(changes)) {
      const row = new RootRow();
      readAdmittedRow(shared, Number(slot), row);
      assert(row.state === FAMILY_LIVE, 'the family was created');
      const writer = new TreeWriter(pager, diff, rootOf(row));
      for (const [key, value] of Object.entries(changed)) {
        const keyBytes = encoder.encode(key);
        if (value === undefined) writer.delete(keyBytes, 0, keyBytes.length);
        else {
          const bytes = encoder.encode(value);
          writer.put(keyBytes, 0, keyBytes.length, bytes, 0, bytes.length);
        }
      }
      writer.flush();
      row.page = writer.root.page;
      row.birth = writer.root.birth;
      row.count = writer.root.count;
      rows.push([Number(slot), row]);
    }
    return this.#push(changes, diff, rows);
  }

  #push(changes: Changes, diff: Diff, rows: [number, RootRow][]): number {
    const { shared, pager } = this;
    const sequence = this.appended + 1;
    const entry = new PendingEntry();
    entry.reset(sequence, pager.birthMark(), diff);
    const words = new Int32Array(ROOT_WORDS);
    for (const [slot, row] of rows) {
      writeAdmittedRow(shared, slot, row);
      encodeRootRow(words, 0, row);
      entry.addPart(slot, words, 0);
    }
    this.#remember(sequence, changes, diff);
    storeWide(shared.progress, PROGRESS_APPENDED, sequence);
    storeWide(shared.progress, PROGRESS_WRITTEN, sequence);
    while (!this.producer.push(entry)) this.step();
    return sequence;
  }

  #remember(sequence: number, changes: Changes, diff: Diff): void {
    const before = this.history.get(sequence - 1)!;
    const after: Content = { ...before };
    for (const [slot, changed] of Object.entries(changes)) {
      const family = { ...after[Number(slot)] };
      for (const [key, value] of Object.entries(changed)) {
        if (value === undefined) delete family[key];
        else family[key] = value;
      }
      after[Number(slot)] = family;
    }
    this.history.set(sequence, after);
    const freed = Array.from({ length: diff.freedCount }, (_, i) => diff.freed[i * 3]!);
    const allocated = [...diff.allocated.subarray(0, diff.allocatedCount)];
    this.diffs.set(sequence, { allocated, freed });
  }

  // --- the fsync worker -------------------------------------------------------------------------

  sync(sequence = this.appended): void {
    storeWide(this.shared.progress, PROGRESS_SYNCED, sequence);
  }

  /** Leaves the segment being written for the next one, which must be prepared. */
  nextSegment(lastSequence = this.appended): void {
    const { logSpace } = this.shared;
    const writing = this.logWord(LOG_WRITING_SEGMENT);
    assert(writing < this.logWord(LOG_PREPARED_SEGMENT), 'a segment is prepared');
    storeWide(logSpace, segmentRowAt(writing), lastSequence);
    Atomics.store(logSpace, LOG_WRITING_SEGMENT, writing + 1);
    Atomics.store(logSpace, LOG_WRITING_OFFSET, SEGMENT_DATA_OFFSET);
  }

  // --- the scheduler ----------------------------------------------------------------------------

  step(): boolean {
    let worked = false;
    for (const loop of this.loops) worked = loop.step() === 'worked' || worked;
    return worked;
  }

  runUntilIdle(): void {
    let idle = 0;
    for (let steps = 0; idle < IDLE_ROUNDS; steps++) {
      assert(steps < STEPS_MAX, 'the workers come to rest');
      idle = this.step() ? 0 : idle + 1;
    }
  }

  /** Steps until the condition holds. */
  runUntil(condition: () => boolean): void {
    for (let steps = 0; !condition(); steps++) {
      assert(steps < STEPS_MAX, 'the condition comes true');
      this.step();
    }
  }

  commitAndApply(changes: Changes): number {
    const sequence = this.commit(changes);
    this.sync();
    this.runUntilIdle();
    return sequence;
  }

  requestCheckpoint(): void {
    Atomics.add(this.shared.progress, PROGRESS_CHECKPOINT_WANTED, 1);
  }

  get isCheckpointAnswered(): boolean {
    const { progress } = this.shared;
    const wanted = Atomics.load(progress, PROGRESS_CHECKPOINT_WANTED);
    return Atomics.load(progress, PROGRESS_CHECKPOINT_DONE) === wanted;
  }

  takeCheckpoint(): void {
    this.requestCheckpoint();
    this.runUntil(() => this.isCheckpointAnswered || this.failure !== undefined);
    this.runUntilIdle();
  }

  switchBugOn(bit: number): void {
    Atomics.store(this.shared.progress, PROGRESS_TEST_SWITCH, bit);
  }

  /** Ends this run: closes the file of the main thread. What is on the disk stays. */
  close(): void {
    this.pager.file?.close();
  }

  // --- looking at versions ----------------------------------------------------------------------

  admittedContent(): Content {
    const content: Content = {};
    const row = new RootRow();
    for (let slot = 0; slot < usedSlots(this.shared); slot++) {
      readAdmittedRow(this.shared, slot, row);
      if (row.state === FAMILY_LIVE) content[slot] = this.contentOf(rootOf(row));
    }
    return content;
  }

  /** Header of the published root set; inside an operation of the test. */
  publishedHeader(): { sequence: number; mark: number } {
    this.reader.readSet();
    return { sequence: this.reader.sequence, mark: this.reader.mark };
  }

  /** Content of the published root set, and its sequence. */
  publishedContent(): { sequence: number; content: Content } {
    const content: Content = {};
    const row = new RootRow();
    for (let slot = 0; slot < usedSlots(this.shared); slot++) {
      this.reader.readRow(slot, row);
      if (row.state === FAMILY_LIVE) content[slot] = this.contentOf(rootOf(row));
    }
    return { sequence: this.reader.sequence, content };
  }

  admittedRoot(slot: number): TreeRoot {
    const row = new RootRow();
    readAdmittedRow(this.shared, slot, row);
    return rootOf(row);
  }

  contentOf(root: TreeRoot): Record<string, string> {
    const found: Record<string, string> = {};
    const key = new Uint8Array(1024);
    this.pager.beginOperation();
    try {
      const cursor = new TreeCursor(this.pager);
      for (let isEntry = cursor.seekFirst(root); isEntry; isEntry = cursor.next()) {
        const keyBytes = cursor.copyKey(key, 0);
        const { hit } = cursor;
        const value = new Uint8Array(hit.valueBytes);
        if (hit.overflowPage !== NO_PAGE) readOverflow(this.pager, hit, value);
        else value.set(hit.u8.subarray(hit.valueOffset, hit.valueOffset + hit.valueBytes));
        found[Buffer.from(key.subarray(0, keyBytes)).toString()] = Buffer.from(value).toString();
      }
    } finally {
      this.pager.endOperation();
    }
    return found;
  }
}
