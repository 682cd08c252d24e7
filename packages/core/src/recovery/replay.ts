/**
 * Replays what the log holds above the checkpoint through the tree writers, as one diff: private
 * pages are changed in place however often they are hit, and spilled when they outgrow the cache.
 * Runs while the database opens, before any worker; nothing is written to a durable page.
 */
import {
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  OperationCursor,
  OperationKind,
  TreeRoot,
  corrupt,
  type LogSink,
} from '@manifold-db/storage';
import { TreeChanges, type FamilyChange } from '../build/tree-changes.js';
import type { Engine } from '../engine.js';

export class Replay implements LogSink {
  readonly changes: TreeChanges;
  commits = 0;
  bytes = 0;
  lastSequence: number;
  readonly #engine: Engine;
  readonly #cursor = new OperationCursor();
  readonly #byId = new Map<number, FamilyChange>();
  readonly #signal: AbortSignal | undefined;

  constructor(engine: Engine, fromSequence: number, signal: AbortSignal | undefined) {
    this.#engine = engine;
    this.lastSequence = fromSequence;
    this.#signal = signal;
    this.changes = new TreeChanges(engine);
    this.changes.start();
  }

  transaction(sequence: number, operationCount: number, payload: Uint8Array): void {
    this.#signal?.throwIfAborted();
    const cursor = this.#cursor;
    cursor.reset(payload, 0, payload.length, `log record of commit ${sequence}`);
    let seen = 0;
    while (cursor.next()) {
      this.#apply(cursor, sequence);
      seen++;
    }
    if (seen !== operationCount) {
      throw corrupt(cursor.source, 0, `${seen} operations instead of ${operationCount}`);
    }
    this.commits++;
    this.bytes += payload.length;
    this.lastSequence = sequence;
  }

  #apply(cursor: OperationCursor, sequence: number): void {
    if (cursor.kind === OperationKind.CREATE_FAMILY) {
      this.#create(cursor);
      return;
    }
    const change = this.#change(cursor);
    this.changes.openFor(cursor.valueBytes);
    switch (cursor.kind) {
      case OperationKind.PUT:
        change.writer.put(
          cursor.bytes,
          cursor.keyOffset,
          cursor.keyBytes,
          cursor.bytes,
          cursor.valueOffset,
          cursor.valueBytes,
        );
        break;
      case OperationKind.DELETE:
        change.writer.delete(cursor.bytes, cursor.keyOffset, cursor.keyBytes);
        break;
      case OperationKind.CLEAR:
        change.writer.deleteRange(...clearBounds(cursor));
        break;
      default:
        this.changes.drop(change);
        this.#byId.delete(cursor.columnFamilyId);
        this.#engine.families.admitDrop(change.entry, sequence);
    }
  }

  #create(cursor: OperationCursor): void {
    const { families } = this.#engine;
    const start = cursor.keyOffset;
    const name = Buffer.from(cursor.bytes.subarray(start, start + cursor.keyBytes)).toString();
    const entry = families.entry(name);
    if (entry.exists || families.byId(cursor.columnFamilyId) !== undefined) {
      throw corrupt(cursor.source, start, `the column family ${name} is created twice`);
    }
    families.assign(entry, cursor.columnFamilyId);
    families.admitCreation(entry);
    this.#byId.set(cursor.columnFamilyId, this.changes.add(entry, new TreeRoot(), true));
  }

  #change(cursor: OperationCursor): FamilyChange {
    const id = cursor.columnFamilyId;
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const entry = this.#engine.families.byId(id);
    if (entry === undefined || entry.id !== id) {
      throw corrupt(cursor.source, cursor.position, `there is no column family ${id}`);
    }
    const root = new TreeRoot();
    this.#engine.families.readAdmitted(entry, root);
    const change = this.changes.add(entry, root, false);
    this.#byId.set(id, change);
    return change;
  }
}

function clearBounds(cursor: OperationCursor): [Uint8Array | undefined, Uint8Array | undefined] {
  const { bytes, flags, keyOffset, keyBytes, valueOffset, valueBytes } = cursor;
  const low = bytes.slice(keyOffset, keyOffset + keyBytes);
  const high = bytes.slice(valueOffset, valueOffset + valueBytes);
  return [
    (flags & CLEAR_HAS_LOW) === 0 ? undefined : low,
    (flags & CLEAR_HAS_HIGH) === 0 ? undefined : high,
  ];
}
