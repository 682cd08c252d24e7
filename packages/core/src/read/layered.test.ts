/**
 * Reads of a view with buffers above a tree, against plain maps: point reads, walks in both
 * directions from any key, counts, and the comparison of two versions.
 */
import {
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  KIB,
  OPERATION_HEADER_BYTES,
  OperationKind,
  WriteBuffer,
  padTo4,
} from '@manifold-db/storage';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyEncodingOf, valueEncodingOf } from '../encoding/index.js';
import { Staging } from '../staging.js';
import type { FamilyCodec } from './context.js';
import { createEntries } from './entries.js';
import { countRange, readMany, readValue } from './point.js';
import { isRangeEqual } from './range-equal.js';
import { TestTree } from './test-tree.js';
import { FamilyView } from './view.js';

const texts: FamilyCodec<string, string> = {
  key: keyEncodingOf('utf8') as unknown as FamilyCodec<string, string>['key'],
  value: valueEncodingOf('utf8') as unknown as FamilyCodec<string, string>['value'],
};
const FAMILY = 7;
const OWN_FAMILY = 9;

type Change =
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'clear'; readonly low: string | undefined; readonly high: string | undefined };

/** Commits of one layer; each is a list of changes. */
type Layer = readonly (readonly Change[])[];

interface History {
  readonly tree: readonly (readonly [string, string])[];
  /** Oldest first. */
  readonly layers: readonly Layer[];
  readonly own: Layer;
}

// Few keys, so that layers hide one another; prefixes of one another among them.
const keys = fc.stringMatching(/^[a-c]{1,3}$/);
const values = fc.string({ maxLength: 6 });
const bounds = fc.option(keys, { nil: undefined });
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put' as const), key: keys, value: values }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: keys }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('clear' as const), low: bounds, high: bounds }),
  },
);
const layer = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 6 });
const histories: fc.Arbitrary<History> = fc.record({
  tree: fc.array(fc.tuple(keys, values), { maxLength: 30 }),
  layers: fc.array(layer, { maxLength: 3 }),
  own: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: layer }),
});

function secondOf(step: Change): string | undefined {
  if (step.kind === 'delete') return undefined;
  return step.kind === 'put' ? step.value : step.high;
}

function stage(staging: Staging, family: number, step: Change): void {
  const low = step.kind === 'clear' ? step.low : step.key;
  const second = secondOf(step);
  const key = Buffer.from(low ?? '');
  const value = Buffer.from(second ?? '');
  staging.ensure(OPERATION_HEADER_BYTES + padTo4(value.length) + padTo4(key.length));
  const valueAt = staging.length + OPERATION_HEADER_BYTES;
  value.copy(staging.bytes, valueAt);
  key.copy(staging.bytes, valueAt + padTo4(value.length));
  let flags = 0;
  if (step.kind === 'clear') {
    flags = (low === undefined ? 0 : CLEAR_HAS_LOW) | (second === undefined ? 0 : CLEAR_HAS_HIGH);
  }
  const kind = { put: OperationKind.PUT, delete: OperationKind.DELETE, clear: OperationKind.CLEAR };
  staging.seal(kind[step.kind], flags, family, key.length, value.length);
}

function applyTo(content: Map<string, string>, step: Change): void {
  if (step.kind === 'put') content.set(step.key, step.value);
  else if (step.kind === 'delete') content.delete(step.key);
  else {
    for (const key of content.keys()) {
      const isAbove = step.low === undefined || key >= step.low;
      if (isAbove && (step.high === undefined || key < step.high)) content.delete(key);
    }
  }
}

class Layered {
  readonly tree = new TestTree({ cacheBytes: 2 * 1024 * KIB });
  /** Contents by sequence; the tree alone is sequence 0. */
  readonly contents: Map<string, string>[] = [];
  readonly buffers: WriteBuffer[] = [];
  own: WriteBuffer | undefined;
  readonly ownContent: Map<string, string>;

  constructor(history: History) {
    const content = new Map(history.tree);
    this.tree.putAll(texts, content);
    this.contents.push(new Map(content));
    for (const commits of history.layers) {
      if (commits.length === 0) continue;
      const buffer = newBuffer();
      for (const changes of commits) {
        for (const step of changes) applyTo(content, step);
        add(buffer, FAMILY, changes, this.contents.length);
        this.contents.push(new Map(content));
      }
      this.buffers.unshift(buffer);
    }
    history.own.forEach((changes, index) => {
      this.own ??= newBuffer();
      for (const step of changes) applyTo(content, step);
      add(this.own, OWN_FAMILY, changes, index + 1);
    });
    this.ownContent = content;
  }

  get last(): number {
    return this.contents.length - 1;
  }

  view(sequence: number, withOwn = false): FamilyView {
    const view = new FamilyView();
    view.root.copyFrom(this.tree.root);
    const buffers = this.buffers.filter((buffer) => buffer.firstSequence <= sequence);
    view.showBuffers(buffers, FAMILY, sequence);
    if (withOwn && this.own !== undefined) view.showOwn(this.own, OWN_FAMILY, 1000);
    return view;
  }
}

function newBuffer(): WriteBuffer {
  const buffer = new WriteBuffer(new ArrayBuffer(64 * KIB));
  buffer.reset();
  return buffer;
}

function add(buffer: WriteBuffer, family: number, changes: readonly Change[], sequence: number) {
  const staging = new Staging();
  for (const step of changes) stage(staging, family, step);
  buffer.add(staging.bytes, staging.words, 0, staging.length, sequence, () => 0);
}

function sorted(content: Map<string, string>): [string, string][] {
  return [...content].sort(([a], [b]) => (a < b ? -1 : 1));
}

function check(layered: Layered, view: FamilyView, content: Map<string, string>): void {
  const { tree } = layered;
  const viewOf = () => view;
  const open = () => ({ view: viewOf, release: () => {} });
  const all = sorted(content);
  expect([...createEntries(tree, texts, undefined, 'entries', open)]).toEqual(all);
  const backward = createEntries(tree, texts, { reverse: true }, 'entries', open);
  expect([...backward]).toEqual(all.toReversed());
  expect(countRange(tree, texts, viewOf, undefined)).toBe(all.length);
  const probes = ['a', 'aa', 'ab', 'abc', 'b', 'bb', 'c', 'cc', 'ccc'];
  expect(readMany(tree, texts, viewOf, probes)).toEqual(probes.map((key) => content.get(key)));
  for (const key of probes) {
    expect(readValue(tree, texts, viewOf, key)).toBe(content.get(key));
    const above = all.filter(([k]) => k >= key);
    const below = all.filter(([k]) => k <= key).toReversed();
    const range = { gte: key };
    expect([...createEntries(tree, texts, range, 'entries', open)]).toEqual(above);
    const reverse = { lte: key, reverse: true };
    expect([...createEntries(tree, texts, reverse, 'entries', open)]).toEqual(below);
    expect(countRange(tree, texts, viewOf, range)).toBe(above.length);
    expect(countRange(tree, texts, viewOf, { lte: key })).toBe(below.length);
    expect(countRange(tree, texts, viewOf, { gt: 'aa', lt: key })).toBe(
      all.filter(([k]) => k > 'aa' && k < key).length,
    );
    const sought = createEntries(tree, texts, undefined, 'entries', open).seek(key);
    expect([...sought]).toEqual(above);
  }
}

describe('a view with buffers', () => {
  it('reads as the operations one by one would', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const layered = new Layered(history);
        layered.contents.forEach((content, sequence) => {
          check(layered, layered.view(sequence), content);
        });
        check(layered, layered.view(layered.last, true), layered.ownContent);
      }),
      { numRuns: 150 },
    );
  });

  it('compares two versions of a range by what they read', () => {
    fc.assert(
      fc.property(histories, bounds, bounds, (history, low, high) => {
        const layered = new Layered(history);
        const inRange = (content: Map<string, string>) =>
          sorted(content).filter(([key]) => {
            return (low === undefined || key >= low) && (high === undefined || key < high);
          });
        const now = layered.contents[layered.last]!;
        const opened = layered.tree.begin();
        layered.contents.forEach((content, sequence) => {
          const before = layered.view(sequence);
          const newest = layered.view(layered.last);
          const lowBytes = low === undefined ? undefined : Buffer.from(low);
          const highBytes = high === undefined ? undefined : Buffer.from(high);
          const isEqual = isRangeEqual(layered.tree.memory, before, newest, lowBytes, highBytes);
          const expected = JSON.stringify(inRange(content)) === JSON.stringify(inRange(now));
          expect(isEqual).toBe(expected);
        });
        layered.tree.end(opened);
      }),
      { numRuns: 150 },
    );
  });
});
