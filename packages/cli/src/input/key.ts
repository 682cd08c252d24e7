/**
 * Where the key of a record comes from: `--key`.
 *
 * - `line`: the record's own text; the value is then the record's number
 * - `index`: the record's number, with leading zeros so that keys sort by it
 * - anything else: names of fields, joined with a separator
 */
import { usageFailure } from '../failure.js';
import { inputFailure, type Item } from './item.js';

const INDEX_DIGITS = 12;

export type KeyRule =
  | { readonly kind: 'line' }
  | { readonly kind: 'index' }
  | { readonly kind: 'fields'; readonly names: readonly string[]; readonly separator: string };

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** The rule that `--key` and `--key-separator` describe. */
export function parseKeyRule(text: string, separator: string): KeyRule {
  if (text === 'line' || text === 'index') return { kind: text };
  const names = text.split(',');
  if (names.includes('')) {
    throw usageFailure(`--key "${text}" has an empty field name; give "name" or "country,name"`);
  }
  return { kind: 'fields', names, separator };
}

function fieldText(value: unknown, name: string, place: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') {
    const kind = value === null ? 'null' : typeof value;
    throw inputFailure(place, `field "${name}" is ${kind}; a key is made of strings and numbers`);
  }
  // JSON.parse has rounded it by now, to Infinity at last: two numbers could become one key.
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw inputFailure(
      place,
      `field "${name}" is too large a number for a key; write it in quotes`,
    );
  }
  return String(value);
}

function fieldsKey(item: Item, names: readonly string[], separator: string, place: string): string {
  const { value } = item;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw inputFailure(place, 'the record has no fields; use --key line or --key index');
  }
  const parts = names.map((name) => {
    if (Object.hasOwn(value, name)) return fieldText(Reflect.get(value, name), name, place);
    throw inputFailure(
      place,
      `there is no field "${name}"; name one in --key that all records have`,
    );
  });
  return parts.join(separator);
}

/** Key and value of the record with this number, counted from 0. */
export function keyValueOf(item: Item, rule: KeyRule, index: number): KeyValue {
  if (rule.kind === 'index') {
    return { key: String(index).padStart(INDEX_DIGITS, '0'), value: item.text };
  }
  const place = `record ${index + 1}`;
  if (rule.kind === 'fields') {
    return { key: fieldsKey(item, rule.names, rule.separator, place), value: item.text };
  }
  if (item.value !== undefined && typeof item.value !== 'string') {
    throw inputFailure(place, 'not a string, so it is no key by itself; name a field in --key');
  }
  return { key: item.text, value: String(index) };
}
