/**
 * The hold of an iterator on its version, and the last resort that gives it back for iterators that
 * were dropped. Any thread.
 */
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
