/**
 * Which statements of a model no configuration of it executes: what is never executed proves
 * nothing.
 */
import type { Outcome, Search } from './check.js';

export class ReachedLines {
  /** By model and statement: whether a search so far has executed it. */
  readonly #isReached = new Map<string, boolean>();

  add({ model }: Search, { statements }: Outcome): void {
    for (const [text, isReached] of statements) {
      const key = `${model}: ${text}`;
      this.#isReached.set(key, isReached || this.#isReached.get(key) === true);
    }
  }

  neverReached(): string[] {
    return [...this.#isReached].filter(([, isReached]) => !isReached).map(([key]) => key);
  }
}
