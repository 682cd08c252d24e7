/**
 * One generation of the write buffer over its block of memory (layout/write-buffer.ts). The thread
 * that owns the block (main, while the generation is active) adds commits and looks keys up; once
 * it is sealed nobody writes, and any thread that attached reads. The object is a cache of the
 * block: everything that counts stands in the block.
 *
 * Invariants
 * 1. An operation's place in the data is its ordinal: it grows with time, also inside one commit.
 * 2. Sequences of `add` never fall; operations of one sequence replace each other without trace.
 * 3. Data and index never meet: `hasRoom` counts the worst case, and `takeUnits` asserts it.
 */
import { assert } from '../assert.js';
import {
  OPERATION_HEADER_BYTES,
  OperationKind,
  operationKeyOffset,
  operationValueOffset,
  padTo4,
} from '../format/operation.js';
import {
  BUFFER_COMMITS,
  BUFFER_DATA_USED,
  BUFFER_FIRST_SEQUENCE,
  BUFFER_HASHED,
  BUFFER_KEYS,
  BUFFER_LAST_SEQUENCE,
  BUFFER_RESETS,
  BUFFER_TOMBSTONES,
  BUFFER_UNITS_USED,
  FAMILY_CREATED,
  FAMILY_DROPPED,
  FAMILY_KEYS,
  FAMILY_LAST_SEQUENCE,
  HASH_SLOTS,
  KEY_BYTES_KIND,
  KEY_BYTES_MASK,
  KEY_FAMILY,
  KEY_KIND_SHIFT,
  KEY_OFFSET,
  KEY_OLDER,
  KEY_SEQUENCE,
  KEY_VALUE_BYTES,
  KEY_VALUE_OFFSET,
  NO_UNIT,
  OPERATION_UNIT,
  UNIT_BYTES,
  UNIT_WORD_SHIFT,
  dataStart,
  hashSlotCount,
} from '../layout/write-buffer.js';
import { COLUMN_FAMILIES_MAX, WRITE_BUFFER_BYTES_MAX, WRITE_BUFFER_BYTES_MIN } from '../limits.js';
import { loadWideOwned, storeWideOwned } from '../sync/wide.js';
import { copyWords } from '../tree/copy-bytes.js';
import { FamilyCache, NO_FAMILY, makeFamily } from './families.js';
import { hashMore, unitOfKey } from './key-table.js';
import { insertKey } from './ordered-insert.js';
import { unitInOrder } from './ordered-search.js';
import { hasRoomIn } from './room.js';
import { type BufferRange, addTombstone, isCovered, tombstoneRanges } from './tombstones.js';
import { returnUnit, takeUnits } from './units.js';
import { NO_VERSION, ordinalOf, pushVersion, visibleVersion } from './versions.js';

/** What a look-up found out. */
export const BufferFind = {
  /** The buffer says nothing about the key: older generations and the tree do. */
  NOT_HERE: 0,
  VALUE: 1,
  DELETED: 2,
} as const;
export type BufferFind = (typeof BufferFind)[keyof typeof BufferFind];

/** Where a found value stands in `WriteBuffer.bytes`. */
export class BufferHit {
  valueOffset = 0;
  valueBytes = 0;
}

/** A look-up takes so many operations into the hash table, so that none takes long. */
const HASHED_PER_FIND = 256;

/** An empty header, for `WriteBuffer.fits`. */
const EMPTY_HEADER = new Int32Array(HASH_SLOTS);

export class WriteBuffer {
  /** The whole block; every offset is one into it. */
  readonly bytes: Buffer;
  readonly words: Int32Array;
  /** First byte of the data, and the hash table's slot count - 1. Plain: look-ups touch them. */
  private readonly dataStart: number;
  private readonly mask: number;
  private readonly families: FamilyCache;

  /**
   * Attaches to a block, which may be in use: a block of zeroes is an empty generation. Several may
   * attach to one block.
   */
  constructor(memory: SharedArrayBuffer | ArrayBuffer) {
    const blockBytes = memory.byteLength;
    assert(
      blockBytes >= WRITE_BUFFER_BYTES_MIN && blockBytes <= WRITE_BUFFER_BYTES_MAX,
      'the size of a write buffer is within its limits',
    );
    assert(blockBytes % UNIT_BYTES === 0, 'a write buffer is whole units');
    this.bytes = Buffer.from(memory);
    this.words = new Int32Array(memory);
    this.dataStart = dataStart(blockBytes);
    this.mask = hashSlotCount(blockBytes) - 1;
    this.families = new FamilyCache(this.words);
  }

  get isEmpty(): boolean {
    return this.words[BUFFER_COMMITS] === 0;
  }

  /** Sequence of the oldest commit; 0 while empty. */
  get firstSequence(): number {
    return loadWideOwned(this.words, BUFFER_FIRST_SEQUENCE);
  }

  /** Sequence of the newest commit; 0 while empty. */
  get lastSequence(): number {
    return loadWideOwned(this.words, BUFFER_LAST_SEQUENCE);
  }

  /** Distinct sequences taken in. */
  get commitCount(): number {
    return this.words[BUFFER_COMMITS];
  }

  /** Keys of all families, each counted once, whatever its versions. */
  get keyCount(): number {
    return this.words[BUFFER_KEYS];
  }

  /** Bytes of data and index. */
  get usedBytes(): number {
    return this.words[BUFFER_DATA_USED] + this.words[BUFFER_UNITS_USED] * UNIT_BYTES;
  }

  /** Bytes that data and index share. */
  get capacityBytes(): number {
    return this.bytes.length - this.dataStart;
  }

  /** Empties the block. Only header and hash table are cleared; other attached caches notice. */
  reset(): void {
    const { words } = this;
    const resets = words[BUFFER_RESETS];
    words.fill(0, 0, HASH_SLOTS + this.mask + 1);
    words[BUFFER_RESETS] = resets + 1;
  }

  /**
   * Whether a payload surely fits. `operationCount`: all its operations, clears included;
   * `familyCount`: column families among them, when the caller knows a bound.
   */
  hasRoom(
    payloadBytes: number,
    operationCount: number,
    clearCount: number,
    familyCount: number = COLUMN_FAMILIES_MAX,
  ): boolean {
    return hasRoomIn(
      this.words,
      this.bytes.length,
      payloadBytes,
      operationCount,
      clearCount,
      familyCount,
    );
  }

  /** As `hasRoom`, of an empty buffer of `bytes` bytes. */
  static fits(
    bytes: number,
    payloadBytes: number,
    operationCount: number,
    clearCount: number,
    familyCount: number = COLUMN_FAMILIES_MAX,
  ): boolean {
    return hasRoomIn(EMPTY_HEADER, bytes, payloadBytes, operationCount, clearCount, familyCount);
  }

  /**
   * Takes in the operations [start, end) of a payload as of `sequence`, which is not below that of
   * any earlier call. `payloadWords` sees the memory of `payload` from its offset 0 on. `slotOf` is
   * asked once for each family that is new to the buffer. The caller has asked `hasRoom`.
   */
  add(
    payload: Uint8Array,
    payloadWords: Int32Array,
    start: number,
    end: number,
    sequence: number,
    slotOf: (familyId: number) => number,
  ): void {
    const { words } = this;
    assert(start <= end && end <= payload.length, 'the operations lie inside the payload');
    assert(((start | end) & 3) === 0, 'operations are whole words');
    const at = this.dataStart + words[BUFFER_DATA_USED];
    const dataEnd = at + end - start;
    assert(
      dataEnd + words[BUFFER_UNITS_USED] * UNIT_BYTES <= this.bytes.length,
      'the data of a write buffer stays clear of its index',
    );
    this.admit(sequence);
    copyWords(words, at >> 2, payloadWords, start >> 2, (end - start) >> 2);
    words[BUFFER_DATA_USED] += end - start;
    this.takeIn(at, dataEnd, sequence, slotOf);
  }

  /**
   * Looks up the version of a key visible at `sequenceMax`. `hash` is the `hashKey` of family and
   * key; the key begins at offset 0 of `key`. A VALUE fills `hit`.
   */
  find(
    familyId: number,
    key: Uint8Array,
    keyBytes: number,
    hash: number,
    sequenceMax: number,
    hit: BufferHit,
  ): BufferFind {
    const { words } = this;
    const unit = this.isHashed()
      ? unitOfKey(this.bytes, words, this.mask, familyId, key, keyBytes, hash)
      : unitInOrder(this.bytes, words, this.families.rowOf(familyId), key, keyBytes);
    const version =
      unit === NO_UNIT ? NO_VERSION : visibleVersion(words, unit << UNIT_WORD_SHIFT, sequenceMax);
    if (words[BUFFER_TOMBSTONES] !== 0) {
      const ordinal = version === NO_VERSION ? 0 : ordinalOf(words, version);
      const { bytes } = this;
      if (isCovered(bytes, words, familyId, key, 0, keyBytes, ordinal, sequenceMax)) {
        return BufferFind.DELETED;
      }
    }
    if (version === NO_VERSION) return BufferFind.NOT_HERE;
    if (words[version + KEY_BYTES_KIND] >>> KEY_KIND_SHIFT !== OperationKind.PUT) {
      return BufferFind.DELETED;
    }
    hit.valueOffset = words[version + KEY_VALUE_OFFSET];
    hit.valueBytes = words[version + KEY_VALUE_BYTES];
    return BufferFind.VALUE;
  }

  /** The hash table knows every key; a look-up fills in a part of what is missing. */
  private isHashed(): boolean {
    const { words } = this;
    return (
      words[BUFFER_HASHED] === words[BUFFER_DATA_USED] ||
      hashMore(words, this.mask, this.dataStart, HASHED_PER_FIND)
    );
  }

  hasFamily(familyId: number): boolean {
    return this.families.rowOf(familyId) !== NO_FAMILY;
  }

  /** Word of the family's row (layout/write-buffer.ts), or 0. */
  familyRow(familyId: number): number {
    return this.families.rowOf(familyId);
  }

  /** Private copies of the family's cleared ranges with above < sequence <= upTo, oldest first. */
  tombstones(familyId: number, above: number, upTo: number): BufferRange[] {
    return tombstoneRanges(this.bytes, this.words, familyId, above, upTo);
  }

  private admit(sequence: number): void {
    const { words } = this;
    const last = this.lastSequence;
    assert(sequence > 0 && sequence >= last, 'sequences do not fall');
    if (sequence === last) return;
    if (last === 0) storeWideOwned(words, BUFFER_FIRST_SEQUENCE, sequence);
    storeWideOwned(words, BUFFER_LAST_SEQUENCE, sequence);
    words[BUFFER_COMMITS] += 1;
  }

  /** Walks over operations that stand in the data already. */
  private takeIn(
    start: number,
    end: number,
    sequence: number,
    slotOf: (familyId: number) => number,
  ): void {
    const { words } = this;
    let familyId = -1;
    let family = NO_FAMILY;
    for (let at = start; at < end;) {
      const word = at >> 2;
      // The header of an operation (format/operation.ts), word by word.
      const first = words[word];
      const keyBytes = first >>> 16;
      const valueBytes = words[word + 2];
      const keyOffset = operationKeyOffset(at, valueBytes);
      if (words[word + 1] !== familyId) {
        familyId = words[word + 1];
        family = this.touchFamily(familyId, sequence, slotOf);
      }
      const kind = first & 0xff;
      switch (kind) {
        case OperationKind.PUT:
        case OperationKind.DELETE:
          this.takeVersion(family, familyId, at, kind, keyOffset, keyBytes, valueBytes, sequence);
          break;
        case OperationKind.CREATE_FAMILY:
          storeWideOwned(words, family + FAMILY_CREATED, sequence);
          break;
        case OperationKind.DROP_FAMILY:
          storeWideOwned(words, family + FAMILY_DROPPED, sequence);
          break;
        default: {
          assert(kind === OperationKind.CLEAR, 'the kind of an operation is known');
          const flags = (first >>> 8) & 0xff;
          addTombstone(words, familyId, at, flags, keyBytes, valueBytes, sequence);
        }
      }
      at = keyOffset + padTo4(keyBytes);
    }
  }

  /** Word of the family's row, made if need be; notes that the sequence touches it. */
  private touchFamily(
    familyId: number,
    sequence: number,
    slotOf: (familyId: number) => number,
  ): number {
    const { words } = this;
    let row = this.families.rowOf(familyId);
    if (row === NO_FAMILY) row = makeFamily(words, familyId, slotOf(familyId), sequence);
    storeWideOwned(words, row + FAMILY_LAST_SEQUENCE, sequence);
    return row;
  }

  private takeVersion(
    family: number,
    familyId: number,
    ordinal: number,
    kind: number,
    keyOffset: number,
    keyBytes: number,
    valueBytes: number,
    sequence: number,
  ): void {
    const { words } = this;
    const bytesKind = keyBytes | (kind << KEY_KIND_SHIFT);
    let unit = takeUnits(words, 1);
    let node = unit << UNIT_WORD_SHIFT;
    words[node + KEY_OFFSET] = keyOffset;
    words[node + KEY_BYTES_KIND] = bytesKind;
    const known = insertKey(this.bytes, words, family, unit);
    if (known === NO_UNIT) {
      words[node + KEY_OLDER] = NO_UNIT;
      words[node + KEY_FAMILY] = familyId;
      words[family + FAMILY_KEYS] += 1;
      words[BUFFER_KEYS] += 1;
    } else {
      returnUnit(words);
      unit = known;
      node = unit << UNIT_WORD_SHIFT;
      pushVersion(words, node, sequence);
      words[node + KEY_OFFSET] = keyOffset;
      words[node + KEY_BYTES_KIND] = bytesKind;
    }
    words[node + KEY_VALUE_OFFSET] = operationValueOffset(ordinal);
    words[node + KEY_VALUE_BYTES] = valueBytes;
    storeWideOwned(words, node + KEY_SEQUENCE, sequence);
    words[(ordinal >> 2) + OPERATION_UNIT] = unit;
  }
}

assert(KEY_BYTES_MASK === (1 << KEY_KIND_SHIFT) - 1, 'length and kind share a word');
assert(OPERATION_HEADER_BYTES === 12, 'the header of an operation is three words');
