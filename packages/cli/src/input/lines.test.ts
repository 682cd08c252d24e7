import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, places, text } from '../../test/helpers/chunks.js';
import { LineSplitter } from './lines.js';

function split(chunks: readonly Uint8Array[]): string[] {
  const splitter = new LineSplitter();
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

const line = text.map((content) => content.replaceAll(/[\r\n]/g, ''));

describe('LineSplitter', () => {
  it('gives the lines back wherever the input is cut', () => {
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), places, (lines, ending, cuts) => {
        const bytes = Buffer.from(lines.map((content) => content + ending).join(''));
        expect(split(cutAt(bytes, cuts))).toEqual(lines);
      }),
    );
  });

  it('gives a last line without a newline', () => {
    expect(split([Buffer.from('a\nb')])).toEqual(['a', 'b']);
    expect(split([Buffer.from('a\n\nb\n')])).toEqual(['a', '', 'b']);
    expect(split([])).toEqual([]);
  });

  it('names the line whose bytes are not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('one\ntwo\nthr'),
      Buffer.from([0xff]),
      Buffer.from('\n'),
    ]);
    expect(() => split([bytes])).toThrow('line 3: not valid UTF-8');
    expect(() => split([Buffer.from('a\n'), Buffer.from([0xc3])])).toThrow(
      'line 2: not valid UTF-8',
    );
  });
});
