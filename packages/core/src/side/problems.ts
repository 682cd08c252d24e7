/** What a verification found, bounded. Main thread. */
import { ManifoldError } from '@manifold-db/storage';
import type { VerifyProblem } from '../types.js';

/** A badly damaged database has more problems than anyone reads. */
export const PROBLEMS_MAX = 1000;

export class Problems {
  readonly list: VerifyProblem[] = [];
  readonly #path: string;

  /** `path`: the file that most problems are about. */
  constructor(path: string) {
    this.#path = path;
  }

  get isFull(): boolean {
    return this.list.length >= PROBLEMS_MAX;
  }

  add(offset: number, message: string, columnFamily?: string, path = this.#path): void {
    if (!this.isFull) this.list.push({ path, offset, message, columnFamily });
  }

  /** An error that says where the damage is; others are thrown. */
  addError(error: unknown): void {
    if (!isDamage(error)) throw error;
    const { path = this.#path, offset = 0, message } = error;
    const place = `${path}, offset ${offset}: `;
    const text = message.startsWith(place) ? message.slice(place.length) : message;
    this.add(offset, text, undefined, path);
  }
}

export function isDamage(error: unknown): error is ManifoldError {
  return (
    error instanceof ManifoldError &&
    (error.code === 'ERR_MANIFOLD_CORRUPT' || error.code === 'ERR_MANIFOLD_FORMAT')
  );
}
