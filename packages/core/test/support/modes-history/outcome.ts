/**
 * What became of a call, and where two outcomes differ first.
 */
import { shortText } from './values.js';

/** An error as far as it must be the same in every mode. */
export interface ErrorFacts {
  readonly name: string;
  readonly code: string | undefined;
  /** Thrown by the call itself instead of rejecting its promise. */
  readonly isThrown: boolean;
  readonly message: string;
}

export type Outcome = { readonly value: unknown } | { readonly error: ErrorFacts };

/** What is expected of an error: its class, and its code if it has one. */
export type Expected =
  { readonly value: unknown } | { readonly error: Pick<ErrorFacts, 'name' | 'code'> };

export const CLOSED = { error: { name: 'ManifoldError', code: 'ERR_MANIFOLD_CLOSED' } };
export const CONFLICT = { error: { name: 'ManifoldError', code: 'ERR_MANIFOLD_CONFLICT' } };

function factsOf(error: unknown, isThrown: boolean): ErrorFacts {
  if (!(error instanceof Error)) {
    return { name: 'no error', code: undefined, isThrown, message: String(error) };
  }
  const { code } = error as { code?: string };
  return { name: error.name, code, isThrown, message: error.message };
}

export function outcomeNow(call: () => unknown): Outcome {
  try {
    return { value: call() };
  } catch (error) {
    return { error: factsOf(error, true) };
  }
}

/** Runs the call now; what it promises is waited for. */
export function outcomeOf(call: () => unknown): Promise<Outcome> {
  const outcome = outcomeNow(call);
  if ('error' in outcome) return Promise.resolve(outcome);
  return Promise.resolve(outcome.value).then(
    (value) => ({ value }),
    (error: unknown) => ({ error: factsOf(error, false) }),
  );
}

/** A value in one line. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return shortText(value);
  if (Array.isArray(value)) {
    const items = value.slice(0, 4).map(shown);
    const more = value.length > 4 ? `, … ${value.length} in all` : '';
    return `[${items.join(', ')}${more}]`;
  }
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${name}: ${shown(member)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/** Where the two differ first, in words; `undefined` when they are equal. */
export function firstDifference(
  actual: unknown,
  expected: unknown,
  place = '',
): string | undefined {
  if (Object.is(actual, expected)) return undefined;
  if (Array.isArray(actual) && Array.isArray(expected)) {
    for (let at = 0; at < Math.min(actual.length, expected.length); at++) {
      const difference = firstDifference(actual[at], expected[at], `${place}[${at}]`);
      if (difference !== undefined) return difference;
    }
    if (actual.length === expected.length) return undefined;
    const isLonger = actual.length > expected.length;
    const [more, verb] = isLonger ? [actual, 'unexpected'] : [expected, 'missing'];
    const at = Math.min(actual.length, expected.length);
    const lengths = `${actual.length} instead of ${expected.length} items`;
    return `${lengths}${place && ` at ${place}`}; ${verb}: ${shown(more[at])}`;
  }
  const isObjects = [actual, expected].every((value) => {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  });
  if (!isObjects) {
    return `${place === '' ? '' : `at ${place}: `}${shown(actual)} instead of ${shown(expected)}`;
  }
  const names = new Set([...Object.keys(actual as object), ...Object.keys(expected as object)]);
  for (const name of names) {
    const [left, right] = [actual, expected].map(
      (value) => (value as Record<string, unknown>)[name],
    );
    const difference = firstDifference(left, right, `${place}.${name}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** How an outcome fails an expectation, in words; `undefined` when it meets it. */
export function disappointment(actual: Outcome, expected: Expected): string | undefined {
  if ('error' in actual) {
    const { name, code, message } = actual.error;
    if (!('error' in expected)) return `failed with ${code ?? name}: ${message}`;
    if (name === expected.error.name && code === expected.error.code) return undefined;
    return `failed with ${code ?? name} (${message}) instead of ${shown(expected.error)}`;
  }
  if ('error' in expected) return `gave ${shown(actual.value)} instead of ${shown(expected.error)}`;
  return firstDifference(actual.value, expected.value);
}
