/**
 * What a read of one column family looks at: versions of keys in buffers, newest buffer first,
 * above a tree. Without buffers it is a root and nothing else. One thread; holders are reused.
 *
 * Invariants
 * 1. A key is what the first layer says that knows it; the tree is asked last.
 * 2. Buffers and pages behind a view stay as long as the version it was filled from is the newest,
 *    or held. Whoever fills a view runs no code of the user's between that and the read.
 */
import { TreeRoot, type WriteBuffer } from '@manifold-db/storage';

const NO_BUFFERS: readonly WriteBuffer[] = [];

export class FamilyView {
  readonly root = new TreeRoot();
  /** Id of the family in `buffers`. */
  familyId = 0;
  /** Newest sequence that `buffers` show. */
  sequence = 0;
  /** Newest first. */
  buffers: readonly WriteBuffer[] = NO_BUFFERS;
  /** What the running transaction has written itself, above everything else. */
  own: WriteBuffer | undefined = undefined;
  ownFamilyId = 0;
  /** Operations of the transaction that `own` shows: they are numbered like sequences. */
  ownSequence = 0;

  /** There is more than the tree to look at. */
  get isLayered(): boolean {
    return this.buffers.length > 0 || this.own !== undefined;
  }

  /** A tree alone: the caller fills in `root`. */
  showTree(): void {
    this.buffers = NO_BUFFERS;
    this.own = undefined;
  }

  /** Buffers above the tree: the caller fills in `root`. */
  showBuffers(buffers: readonly WriteBuffer[], familyId: number, sequence: number): void {
    this.buffers = buffers;
    this.familyId = familyId;
    this.sequence = sequence;
    this.own = undefined;
  }

  showOwn(own: WriteBuffer, familyId: number, sequence: number): void {
    this.own = own;
    this.ownFamilyId = familyId;
    this.ownSequence = sequence;
  }

  /** Nothing at all. */
  clear(): void {
    this.root.page = 0;
    this.root.birth = 0;
    this.root.count = 0;
    this.familyId = 0;
    this.sequence = 0;
    this.showTree();
  }
}

/** Buffers of a view, `own` included, in the order in which they are asked. */
export function layerCount(view: FamilyView): number {
  return view.buffers.length + (view.own === undefined ? 0 : 1);
}

export function layerAt(view: FamilyView, index: number): WriteBuffer {
  if (view.own === undefined) return view.buffers[index]!;
  return index === 0 ? view.own : view.buffers[index - 1]!;
}

export function layerFamily(view: FamilyView, index: number): number {
  return view.own !== undefined && index === 0 ? view.ownFamilyId : view.familyId;
}

export function layerSequence(view: FamilyView, index: number): number {
  return view.own !== undefined && index === 0 ? view.ownSequence : view.sequence;
}
