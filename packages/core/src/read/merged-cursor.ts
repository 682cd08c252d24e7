/**
 * Read cursor over a view with buffers: the entries of all layers and of the tree as one ordered
 * walk. One thread; positions are valid only inside one page operation in which no buffer is
 * written to, afterwards the user seeks again by key.
 *
 * It is a merge of sorted sequences: each source stands on its next key, the least of them (in
 * reverse, the greatest) is the current one, and the first layer that has it says what it is.
 * There are few sources, so they are looked through one by one.
 *
 * Invariants
 * 1. Between two moves every source that has not ended stands on a key that is not behind the
 *    current one.
 * 2. A range that a layer has cleared hides the keys of all layers behind it and of the tree; a
 *    source that comes upon it is moved past it with one seek. Within its own layer the buffer
 *    itself knows which versions are older than the clear.
 */
import {
  BufferCursor,
  KEY_BYTES_MAX,
  TreeCursor,
  type Pager,
  type WriteBuffer,
} from '@manifold-db/storage';
import { layerAt, layerCount, layerFamily, layerSequence, type FamilyView } from './view.js';

interface ClearedRange {
  readonly low: Uint8Array | undefined;
  readonly high: Uint8Array | undefined;
}

const NO_BYTES = Buffer.alloc(0);
/** Value of `at` while there is no current entry. */
const NO_SOURCE = -1;

/** One layer, standing on a key or at its end. */
class LayerSource {
  readonly cursor = new BufferCursor();
  buffer: WriteBuffer | undefined;
  isAtKey = false;
  /** Ranges that this layer has cleared. */
  cleared: readonly ClearedRange[] = [];
}

export class MergedCursor {
  /** The tree's own cursor; its `hit` is the value when `isInTree`. */
  readonly tree: TreeCursor;
  private readonly layers: LayerSource[] = [];
  private layerCount = 0;
  private hasCleared = false;
  private view: FamilyView | undefined;
  private treeIsAtKey = false;
  private readonly treeKey = Buffer.alloc(KEY_BYTES_MAX);
  private treeKeyBytes = 0;
  private reverse = false;
  /** Index of the layer with the current entry; `layerCount` for the tree. */
  private at: number = NO_SOURCE;

  /** Only the layers, and deleted keys as well: what the buffers change. */
  private readonly isBufferedOnly: boolean;

  constructor(pager: Pager, isBufferedOnly = false) {
    this.tree = new TreeCursor(pager);
    this.isBufferedOnly = isBufferedOnly;
  }

  reset(view: FamilyView): void {
    this.view = view;
    this.at = NO_SOURCE;
    this.treeIsAtKey = false;
    this.layerCount = layerCount(view);
    this.hasCleared = false;
    while (this.layers.length < this.layerCount) this.layers.push(new LayerSource());
    for (let i = 0; i < this.layerCount; i++) {
      const layer = this.layers[i]!;
      const buffer = layerAt(view, i);
      const family = layerFamily(view, i);
      const sequence = layerSequence(view, i);
      layer.buffer = buffer;
      layer.cursor.reset(buffer, family, sequence);
      layer.cleared = buffer.tombstones(family, -1, sequence);
      if (layer.cleared.length > 0) this.hasCleared = true;
    }
  }

  /** Lets go of what the last walk looked at. */
  release(): void {
    this.view = undefined;
    for (let i = 0; i < this.layerCount; i++) this.layers[i]!.buffer = undefined;
    this.layerCount = 0;
    this.at = NO_SOURCE;
  }

  seekFirst(): boolean {
    this.reverse = false;
    for (let i = 0; i < this.layerCount; i++) {
      const layer = this.layers[i]!;
      layer.isAtKey = layer.cursor.seekFirst();
    }
    if (!this.isBufferedOnly) this.treeStands(this.tree.seekFirst(this.view!.root));
    return this.settle();
  }

  seekLast(): boolean {
    this.reverse = true;
    for (let i = 0; i < this.layerCount; i++) {
      const layer = this.layers[i]!;
      layer.isAtKey = layer.cursor.seekLast();
    }
    if (!this.isBufferedOnly) this.treeStands(this.tree.seekLast(this.view!.root));
    return this.settle();
  }

  /** First entry >= key, or > key when not `inclusive`. */
  seekForward(key: Uint8Array, keyBytes: number, inclusive: boolean): boolean {
    this.reverse = false;
    for (let i = 0; i < this.layerCount; i++) {
      const layer = this.layers[i]!;
      layer.isAtKey = layer.cursor.seekForward(key, keyBytes, inclusive);
    }
    if (!this.isBufferedOnly) {
      this.treeStands(this.tree.seekForward(this.view!.root, key, keyBytes, inclusive));
    }
    return this.settle();
  }

  /** Last entry <= key, or < key when not `inclusive`. */
  seekBackward(key: Uint8Array, keyBytes: number, inclusive: boolean): boolean {
    this.reverse = true;
    for (let i = 0; i < this.layerCount; i++) {
      const layer = this.layers[i]!;
      layer.isAtKey = layer.cursor.seekBackward(key, keyBytes, inclusive);
    }
    if (!this.isBufferedOnly) {
      this.treeStands(this.tree.seekBackward(this.view!.root, key, keyBytes, inclusive));
    }
    return this.settle();
  }

  /** The next entry in the direction of the last seek. */
  move(): boolean {
    if (this.at === NO_SOURCE) return false;
    this.leaveKey();
    return this.settle();
  }

  get isInTree(): boolean {
    return this.at === this.layerCount;
  }

  /** The current key has no value; only a cursor over the buffers alone shows that. */
  get isDeleted(): boolean {
    return this.layers[this.at]!.cursor.isDeleted;
  }

  /** Buffer and place of the current value, unless it is in the tree. */
  get buffer(): WriteBuffer {
    return this.layers[this.at]!.buffer!;
  }

  get valueOffset(): number {
    return this.layers[this.at]!.cursor.valueOffset;
  }

  get valueBytes(): number {
    return this.layers[this.at]!.cursor.valueBytes;
  }

  /** Copies the current key to `target[offset ..]`; returns its length. */
  copyKey(target: Buffer, offset: number): number {
    const key = this.keyBytesOf(this.at);
    const from = this.keyOffsetOf(this.at);
    const bytes = this.keyLengthOf(this.at);
    for (let i = 0; i < bytes; i++) target[offset + i] = key[from + i]!;
    return bytes;
  }

  /** The current key where it stands, until the next move. */
  keyView(): Buffer {
    const from = this.keyOffsetOf(this.at);
    return this.keyBytesOf(this.at).subarray(from, from + this.keyLengthOf(this.at));
  }

  // --- the merge --------------------------------------------------------------------------------

  /** Finds the current entry among where the sources stand; false when all of them have ended. */
  private settle(): boolean {
    for (;;) {
      if (this.hasCleared) this.leaveCleared();
      this.at = this.nearest();
      if (this.at === NO_SOURCE) return false;
      if (this.isBufferedOnly || this.isInTree || !this.isDeleted) return true;
      this.leaveKey();
    }
  }

  /** The first source with the nearest key. */
  private nearest(): number {
    let best: number = NO_SOURCE;
    for (let i = 0; i <= this.layerCount; i++) {
      if (!this.isAtKey(i)) continue;
      if (best === NO_SOURCE || this.compare(i, best) < 0) best = i;
    }
    return best;
  }

  /** Moves every source that stands on the current key. */
  private leaveKey(): void {
    const { at } = this;
    for (let i = at + 1; i <= this.layerCount; i++) {
      if (this.isAtKey(i) && this.compare(i, at) === 0) this.advance(i);
    }
    this.advance(at);
  }

  private advance(source: number): void {
    if (source === this.layerCount) {
      this.treeStands(this.reverse ? this.tree.prev() : this.tree.next());
      return;
    }
    const layer = this.layers[source]!;
    layer.isAtKey = this.reverse ? layer.cursor.prev() : layer.cursor.next();
  }

  private treeStands(isAtKey: boolean): void {
    this.treeIsAtKey = isAtKey;
    if (isAtKey) this.treeKeyBytes = this.tree.copyKey(this.treeKey, 0);
  }

  /** Moves sources out of the ranges that layers above them have cleared. */
  private leaveCleared(): void {
    for (let source = 1; source <= this.layerCount; source++) {
      for (let moved = true; moved && this.isAtKey(source);) {
        moved = false;
        for (let above = 0; above < source && !moved; above++) {
          for (const range of this.layers[above]!.cleared) {
            if (!this.isInside(source, range)) continue;
            this.leaveRange(source, range);
            moved = true;
            break;
          }
        }
      }
    }
  }

  private isInside(source: number, range: ClearedRange): boolean {
    if (!this.isAtKey(source)) return false;
    const { low, high } = range;
    if (low !== undefined && this.compareTo(source, low) < 0) return false;
    return high === undefined || this.compareTo(source, high) < 0;
  }

  private leaveRange(source: number, { low, high }: ClearedRange): void {
    const bound = this.reverse ? low : high;
    const isTree = source === this.layerCount;
    if (bound === undefined) {
      if (isTree) this.treeIsAtKey = false;
      else this.layers[source]!.isAtKey = false;
    } else if (isTree) {
      const { root } = this.view!;
      this.treeStands(
        this.reverse
          ? this.tree.seekBackward(root, bound, bound.length, false)
          : this.tree.seekForward(root, bound, bound.length, true),
      );
    } else {
      const layer = this.layers[source]!;
      layer.isAtKey = this.reverse
        ? layer.cursor.seekBackward(bound, bound.length, false)
        : layer.cursor.seekForward(bound, bound.length, true);
    }
  }

  // --- where the sources stand ------------------------------------------------------------------

  private isAtKey(source: number): boolean {
    return source === this.layerCount ? this.treeIsAtKey : this.layers[source]!.isAtKey;
  }

  private keyBytesOf(source: number): Buffer {
    if (source === this.layerCount) return this.treeKey;
    return this.layers[source]!.buffer?.bytes ?? NO_BYTES;
  }

  private keyOffsetOf(source: number): number {
    return source === this.layerCount ? 0 : this.layers[source]!.cursor.keyOffset;
  }

  private keyLengthOf(source: number): number {
    return source === this.layerCount ? this.treeKeyBytes : this.layers[source]!.cursor.keyBytes;
  }

  /** Order of the keys of two sources in the direction of the walk. */
  private compare(a: number, b: number): number {
    const order = compareBytes(
      this.keyBytesOf(a),
      this.keyOffsetOf(a),
      this.keyLengthOf(a),
      this.keyBytesOf(b),
      this.keyOffsetOf(b),
      this.keyLengthOf(b),
    );
    return this.reverse ? -order : order;
  }

  private compareTo(source: number, bound: Uint8Array): number {
    const key = this.keyBytesOf(source);
    const at = this.keyOffsetOf(source);
    return compareBytes(key, at, this.keyLengthOf(source), bound, 0, bound.length);
  }
}

function compareBytes(
  a: Uint8Array,
  aAt: number,
  aBytes: number,
  b: Uint8Array,
  bAt: number,
  bBytes: number,
): number {
  const shorter = aBytes < bBytes ? aBytes : bBytes;
  for (let i = 0; i < shorter; i++) {
    const difference = a[aAt + i]! - b[bAt + i]!;
    if (difference !== 0) return difference;
  }
  return aBytes - bBytes;
}
