/**
 * Checks of single options. Each names the option and the limit in its message. Main thread.
 */
import { describe } from '../encoding/describe.js';

/** Options, or nothing; refuses names that are not in `allowed`, so that a misspelling shows. */
export function requireOptions(
  options: unknown,
  allowed: readonly string[],
  what: string,
): Readonly<Record<string, unknown>> {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${what} must be an object, not ${describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (allowed.includes(name)) continue;
    throw new TypeError(`${what}.${name} is not an option; there are ${allowed.join(', ')}`);
  }
  return options as Readonly<Record<string, unknown>>;
}

export function booleanOption(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${name} must be a boolean, not ${describe(value)}`);
}

/** One of a few words. */
export function wordOption<Word extends string>(
  value: unknown,
  name: string,
  words: readonly Word[],
  fallback: Word,
): Word {
  if (value === undefined) return fallback;
  const choice = words.map((word) => `'${word}'`).join(', ');
  if (typeof value !== 'string') {
    throw new TypeError(`${name} must be one of ${choice}; not ${describe(value)}`);
  }
  if (!(words as readonly string[]).includes(value)) {
    throw new RangeError(`${name} must be one of ${choice}; not '${value}'`);
  }
  return value as Word;
}

/** A whole number between two limits, both allowed. */
export function wholeOption(
  value: unknown,
  name: string,
  limits: { readonly min: number; readonly max: number },
  fallback: number,
): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, not ${describe(value)}`);
  }
  const { min, max } = limits;
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
  }
  return value;
}

export function signalOption(value: unknown, name: string): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw new TypeError(`${name} must be an AbortSignal, not ${describe(value)}`);
}
