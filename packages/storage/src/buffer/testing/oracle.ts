/**
 * The slow and obvious write buffer: a list of operations, applied one by one for every question.
 */
import type { TestOperation } from './operations.js';

/** What is known about a key: its value, that it is deleted, or nothing. */
export type KnownValue = Uint8Array | 'deleted' | 'nothing';

export interface OracleEntry {
  readonly key: Uint8Array;
  readonly known: KnownValue;
}

/** Families by id, values by key (as latin1 text, whose order is byte order). */
export type Trees = Map<number, Map<string, Uint8Array>>;

export function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

function isInRange(
  key: Uint8Array,
  low: Uint8Array | undefined,
  high: Uint8Array | undefined,
): boolean {
  if (low !== undefined && Buffer.compare(key, low) < 0) return false;
  return high === undefined || Buffer.compare(key, high) < 0;
}

function applyToTrees(trees: Trees, operation: TestOperation): void {
  const { family } = operation;
  if (operation.kind === 'drop') {
    trees.delete(family);
    return;
  }
  const tree = trees.get(family) ?? new Map<string, Uint8Array>();
  trees.set(family, tree);
  switch (operation.kind) {
    case 'put':
      tree.set(textOf(operation.key), operation.value);
      break;
    case 'delete':
      tree.delete(textOf(operation.key));
      break;
    case 'clear':
      for (const text of tree.keys()) {
        const key = Buffer.from(text, 'latin1');
        if (isInRange(key, operation.low, operation.high)) tree.delete(text);
      }
  }
}

export class BufferOracle {
  readonly history: { readonly sequence: number; readonly operation: TestOperation }[] = [];

  add(operations: readonly TestOperation[], sequence: number): void {
    for (const operation of operations) this.history.push({ sequence, operation });
  }

  /** Every key that any operation put or deleted. */
  keysOf(family: number): Uint8Array[] {
    const keys = new Map<string, Uint8Array>();
    for (const { operation } of this.history) {
      if (operation.family !== family) continue;
      if (operation.kind === 'put' || operation.kind === 'delete') {
        keys.set(textOf(operation.key), operation.key);
      }
    }
    return [...keys.values()].sort((a, b) => Buffer.compare(a, b));
  }

  find(family: number, key: Uint8Array, sequenceMax: number): KnownValue {
    let known: KnownValue = 'nothing';
    for (const { sequence, operation } of this.history) {
      if (sequence > sequenceMax || operation.family !== family) continue;
      if (operation.kind === 'clear') {
        if (isInRange(key, operation.low, operation.high)) known = 'deleted';
      } else if (operation.kind === 'put' || operation.kind === 'delete') {
        if (Buffer.compare(operation.key, key) !== 0) continue;
        known = operation.kind === 'put' ? operation.value : 'deleted';
      }
    }
    return known;
  }

  /** What a cursor shows: keys with a version up to the sequence, in order. */
  entries(family: number, sequenceMax: number): OracleEntry[] {
    const before = new BufferOracle();
    before.history.push(...this.history.filter(({ sequence }) => sequence <= sequenceMax));
    const trees: Trees = new Map();
    for (const { operation } of before.history) {
      if (operation.kind !== 'drop') applyToTrees(trees, operation);
    }
    return before.keysOf(family).map((key) => {
      return { key, known: trees.get(family)?.get(textOf(key)) ?? 'deleted' };
    });
  }

  /** Applies the operations of a window one by one. */
  apply(trees: Trees, above: number, upTo: number): void {
    for (const { sequence, operation } of this.history) {
      if (sequence > above && sequence <= upTo) applyToTrees(trees, operation);
    }
  }

  /** Families that an operation of the window names. */
  familiesIn(above: number, upTo: number): Set<number> {
    const inWindow = this.history.filter(({ sequence }) => sequence > above && sequence <= upTo);
    return new Set(inWindow.map(({ operation }) => operation.family));
  }
}
