/**
 * Free page numbers that do not stand on the shared stack. The lowest ones are offered first, so
 * that files stay compact and writes coalesce. Threads: apply worker 0.
 */
import { FREE_PAGES_SHARED_MAX, PageBitmap, type Pager } from '@manifold-db/storage';

/** The stack is filled up when it holds fewer numbers than this. */
const STACK_LOW = FREE_PAGES_SHARED_MAX / 4;
/** Numbers per step: bounds the time that the pages lock is held. */
const BATCH = 2048;

export class FreePages {
  readonly pages = new PageBitmap();
  readonly #pager: Pager;

  constructor(pager: Pager) {
    this.#pager = pager;
  }

  add(page: number): void {
    this.pages.add(page);
  }

  /** Offers a batch if the stack runs low; returns whether it did. */
  refill(): boolean {
    if (this.pages.count === 0) return false;
    const onStack = FREE_PAGES_SHARED_MAX - this.#pager.freePagesWanted();
    if (onStack >= STACK_LOW) return false;
    const batch = this.pages.takeLowest(BATCH);
    const taken = this.#pager.giveFreePages(batch, batch.length);
    for (let i = taken; i < batch.length; i++) this.pages.add(batch[i]!);
    return taken > 0;
  }
}
