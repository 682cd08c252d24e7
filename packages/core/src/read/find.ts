/**
 * Where the value of one key stands in a view: in a buffer, in the tree, or nowhere. Any thread
 * with a page manager, inside a page operation.
 */
import { BufferFind, hashKey, treeGet, type WriteBuffer } from '@manifold-db/storage';
import type { ReadMemory } from './context.js';
import type { FamilyView } from './view.js';

export const Place = {
  NOWHERE: 0,
  /** `memory.hit` says where. */
  TREE: 1,
  /** `memory.bufferHit` says where in `memory.hitBuffer`. */
  BUFFER: 2,
} as const;
export type Place = (typeof Place)[keyof typeof Place];

/** Looks up the key in `key[0 .. keyBytes)`. */
export function findKey(
  memory: ReadMemory,
  view: FamilyView,
  key: Uint8Array,
  keyBytes: number,
): Place {
  if (view.own !== undefined || view.buffers.length > 0) {
    const found = findInLayers(memory, view, key, keyBytes);
    if (found !== BufferFind.NOT_HERE) {
      return found === BufferFind.VALUE ? Place.BUFFER : Place.NOWHERE;
    }
  }
  return treeGet(memory.pager, view.root, key, keyBytes, memory.hit) ? Place.TREE : Place.NOWHERE;
}

function findInLayers(
  memory: ReadMemory,
  view: FamilyView,
  key: Uint8Array,
  keyBytes: number,
): BufferFind {
  const { own, ownFamilyId, buffers, familyId, sequence } = view;
  if (own !== undefined) {
    const hash = hashKey(ownFamilyId, key, 0, keyBytes);
    const found = own.find(ownFamilyId, key, keyBytes, hash, view.ownSequence, memory.bufferHit);
    if (found !== BufferFind.NOT_HERE) return hitIn(memory, own, found);
  }
  if (buffers.length === 0) return BufferFind.NOT_HERE;
  const hash = hashKey(familyId, key, 0, keyBytes);
  for (let i = 0; i < buffers.length; i++) {
    const buffer = buffers[i]!;
    const found = buffer.find(familyId, key, keyBytes, hash, sequence, memory.bufferHit);
    if (found !== BufferFind.NOT_HERE) return hitIn(memory, buffer, found);
  }
  return BufferFind.NOT_HERE;
}

function hitIn(memory: ReadMemory, buffer: WriteBuffer, found: BufferFind): BufferFind {
  memory.hitBuffer = buffer;
  return found;
}
