/**
 * Recoveries of one life by what they read. Recovery in the simulator has no other input than the
 * disk: on a disk of the same names and lengths on which every piece that it reads is the same, it
 * does the same, byte for byte, whatever stands in the pieces that nobody reads. So such an image
 * has the same outcome, and need not be recovered again. (Pieces are compared by hashes of 53
 * bits.)
 *
 * The recoveries form a tree: a node names the piece that is read next, its branches the contents
 * that were found there.
 */
import { assert, type ReadPlace, type SimulatedDisk } from '@manifold-db/storage';

type Place = Pick<ReadPlace, 'inode' | 'index'>;

class Node<Outcome> implements Place {
  inode = 0;
  index = -1;
  outcome: Outcome | undefined;
  // Nearly all have one branch, and there are very many of them.
  #firstHash: number | undefined;
  #first: Node<Outcome> | undefined;
  #others: Map<number, Node<Outcome>> | undefined;

  branch(hash: number): Node<Outcome> | undefined {
    return hash === this.#firstHash ? this.#first : this.#others?.get(hash);
  }

  addBranch(hash: number): Node<Outcome> {
    const node = new Node<Outcome>();
    if (this.#first === undefined) [this.#firstHash, this.#first] = [hash, node];
    else (this.#others ??= new Map()).set(hash, node);
    return node;
  }
}

/** What one recovery reads, each piece once. */
export class ReadRecord {
  readonly shape: string;
  readonly places: ReadPlace[] = [];

  /** Of everything that is read from now on. */
  constructor(disk: SimulatedDisk) {
    this.shape = disk.shape();
    disk.observeReads((place) => this.places.push(place));
  }
}

/** A run that would read the same as one before. */
export interface Known<Outcome> {
  readonly outcome: Outcome;
  readonly places: readonly Place[];
}

export class SameReads<Outcome> {
  readonly #roots = new Map<string, Node<Outcome>>();

  find(disk: SimulatedDisk): Known<Outcome> | undefined {
    const places: Place[] = [];
    let node = this.#roots.get(disk.shape());
    while (node !== undefined && node.index >= 0) {
      places.push(node);
      const hash = disk.hashAt(node.inode, node.index);
      node = hash === undefined ? undefined : node.branch(hash);
    }
    return node?.outcome === undefined ? undefined : { outcome: node.outcome, places };
  }

  add({ shape, places }: ReadRecord, outcome: Outcome): void {
    let node = this.#roots.get(shape) ?? new Node<Outcome>();
    this.#roots.set(shape, node);
    for (const { inode, index, hash } of places) {
      const isNew = node.index < 0 && node.outcome === undefined;
      if (isNew) Object.assign(node, { inode, index });
      // Or recovery has an input that is not on the disk.
      assert(node.inode === inode && node.index === index, 'the same reads lead to the same read');
      node = node.branch(hash) ?? node.addBranch(hash);
    }
    assert(node.index < 0, 'the same reads lead to the same end');
    node.outcome = outcome;
  }
}
