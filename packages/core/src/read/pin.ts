/**
 * The hold of an iterator on its version, and the last resort that gives it back for iterators that
 * were dropped. Any thread.
 */
import type { ReadContext } from './context.js';
import type { FamilyView } from './view.js';

export interface EntriesSource {
  /** What the version consists of now: buffers become part of the tree as time goes by. */
  readonly view: () => FamilyView;
  /**
   * Called exactly once when the iterator is done with the version, possibly by the garbage
   * collector and after the database was closed; must not throw nor refer to the iterator.
   */
  release(): void;
}

/**
 * Tells later whether pages that are read now are still kept: nothing has ended, and the version
 * stands on the same tree. With a write buffer it moves on to newer trees, and lets the old one go.
 */
export function keepsTree(context: ReadContext, source: EntriesSource): () => boolean {
  const { page, birth } = source.view().root;
  return () => {
    try {
      context.assertReadable();
    } catch {
      return false;
    }
    const { root } = source.view();
    return root.page === page && root.birth === birth;
  };
}

const forgotten = new FinalizationRegistry<Pin>((pin) => pin.release());

/**
 * `release` is called once: by the iterator, which closes once, or by the registry, when there is
 * no iterator left that could.
 */
export class Pin {
  readonly #source: EntriesSource;

  /** Released at the latest when the garbage collector finds `holder`. */
  constructor(source: EntriesSource, holder: object) {
    this.#source = source;
    forgotten.register(holder, this, this);
  }

  release(): void {
    forgotten.unregister(this);
    this.#source.release();
  }
}
