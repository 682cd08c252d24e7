import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, places } from '../../test/helpers/chunks.js';
import type { Item } from './item.js';
import { JsonArraySplitter } from './json-array.js';

function split(chunks: readonly Uint8Array[]): Item[] {
  const splitter = new JsonArraySplitter();
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

const splitText = (json: string): Item[] => split([Buffer.from(json)]);

/** JSON values whose strings are full of what the scan must not trip over. */
const nasty = fc.constantFrom('[', ']', '{', '}', ',', '"', '\\', '\\"', '\n', 'ä', '😀');
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.array(nasty, { maxLength: 6 }).map((parts) => parts.join('')),
  fc.dictionary(fc.array(nasty, { maxLength: 3 }).map(String), fc.jsonValue({ maxDepth: 1 })),
);

describe('JsonArraySplitter', () => {
  it('gives the elements back wherever the input is cut, however it is indented', () => {
    const indents = fc.constantFrom(undefined, 1, 2, '\t');
    fc.assert(
      fc.property(fc.array(values), indents, places, (elements, indent, cuts) => {
        const json = JSON.stringify(elements, undefined, indent);
        const items = split(cutAt(Buffer.from(json), cuts));
        expect(items.map((item) => item.value)).toEqual(JSON.parse(json));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the text of what is no string, without line breaks', () => {
    fc.assert(
      fc.property(fc.array(values, { minLength: 1 }), places, (elements, cuts) => {
        const bytes = Buffer.from(JSON.stringify(elements, undefined, 2));
        for (const { text, value } of split(cutAt(bytes, cuts))) {
          expect(text).toBe(typeof value === 'string' ? value : JSON.stringify(value));
        }
      }),
    );
  });

  it('keeps all digits of a number', () => {
    const [item] = splitText('[{"id": 12345678901234567890}]');
    expect(item?.text).toBe('{"id": 12345678901234567890}');
  });

  it('takes the longest of strings', () => {
    const long = '\\"'.repeat(1_000_000);
    const bytes = Buffer.from(JSON.stringify(['a', { long }], undefined, 1));
    const items = split(cutAt(bytes, [1000, 100_000, 1_500_000]));
    expect(items[1]?.value).toEqual({ long });
    expect(items[1]?.text).toBe(JSON.stringify({ long }));
  });

  it.each([
    ['', 'the input is empty'],
    ['  \n', 'the input is empty'],
    ['{"a":1}', 'does not begin with "["'],
    ['[1, 2', 'cut off'],
    ['["a', 'cut off'],
    ['[1, 2}', 'closed with "}"'],
    ['[1,]', 'not valid JSON'],
    ['[,1]', 'not valid JSON'],
    ['[1,,2]', 'not valid JSON'],
    ['[1 2]', 'not valid JSON'],
    ['[{"a":1]]', 'not valid JSON'],
    ['[1] [2]', 'there is more text'],
    ['[1],', 'there is more text'],
  ])('refuses %j', (json, message) => {
    expect(() => splitText(json)).toThrow(message);
    const bytes = Buffer.from(json);
    expect(() => split(cutAt(bytes, [1, 2, 3, 4, 5]))).toThrow(message);
  });

  it('reads empty arrays', () => {
    expect(splitText('[]')).toEqual([]);
    expect(splitText(' \n[ \n ]\n ')).toEqual([]);
  });

  it('refuses bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('["'), Buffer.from([0xff]), Buffer.from('"]')]);
    expect(() => split([bytes])).toThrow('element 1: not valid UTF-8');
  });
});
