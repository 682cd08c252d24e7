/**
 * Which lines of a model no configuration of it executes: what is never executed proves nothing.
 */
import type { Outcome, Search } from './check.js';

export class ReachedLines {
  /** By model: lines that no search so far has reached. */
  readonly #unreached = new Map<string, Set<string>>();

  add({ model, claim }: Search, { unreached }: Outcome): void {
    // With a claim the verifier counts the claim's own lines, too.
    if (claim !== undefined) return;
    const before = this.#unreached.get(model);
    const here = unreached.filter((line) => !line.includes('-end-'));
    const left = before === undefined ? here : here.filter((line) => before.has(line));
    this.#unreached.set(model, new Set(left));
  }

  neverReached(): string[] {
    return [...this.#unreached.values()].flatMap((lines) => [...lines]);
  }
}
