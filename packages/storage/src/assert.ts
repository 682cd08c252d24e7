/**
 * Assertions. `assert` is always on: a broken invariant crashes instead of damaging data. Costly
 * checks (tree checker after every apply, order of the progress words) run only with the
 * environment variable MANIFOLD_CHECKS set to 1; the tests set it.
 */
export class InvariantError extends Error {
  constructor(message: string) {
    super(`broken invariant: ${message}`);
    this.name = 'InvariantError';
  }
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

export const COSTLY_CHECKS = process.env['MANIFOLD_CHECKS'] === '1';
