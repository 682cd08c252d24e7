/**
 * Splits chunks of bytes into lines (`\n` or `\r\n`), wherever the chunks' borders are.
 *
 * All complete lines of a chunk are decoded at once, so that no character is cut and one native
 * call serves many lines. Bytes that are not UTF-8 are refused, never replaced.
 */
import { isUtf8 } from 'node:buffer';
import { inputFailure, RECORD_BYTES_MAX, tooLong } from './item.js';

const NEWLINE = 0x0a;

export class LineSplitter {
  /** Beginning of a line whose end has not come yet. */
  #carry: Uint8Array[] = [];
  #carryBytes = 0;
  #linesDone = 0;

  /** Number of the first line that the latest call returned, counted from 1. */
  firstLine = 1;

  /** Lines that are complete with this chunk. */
  push(chunk: Uint8Array): string[] {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      this.#keep(chunk);
      return [];
    }
    const region = this.#take(chunk.subarray(0, end));
    this.#keep(chunk.subarray(end + 1));
    return this.#lines(region);
  }

  /** The last line, when the input does not end with a newline. */
  end(): string[] {
    return this.#carryBytes === 0 ? [] : this.#lines(this.#take(new Uint8Array(0)));
  }

  #keep(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#carry.push(rest);
    this.#carryBytes += rest.length;
    if (this.#carryBytes > RECORD_BYTES_MAX) throw tooLong(`line ${this.#linesDone + 1}`);
  }

  #take(last: Uint8Array): Buffer {
    const region = Buffer.concat([...this.#carry, last]);
    this.#carry = [];
    this.#carryBytes = 0;
    return region;
  }

  #lines(region: Buffer): string[] {
    this.firstLine = this.#linesDone + 1;
    if (!isUtf8(region)) throw this.#encodingFailure(region);
    const lines = region.toString('utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.endsWith('\r')) lines[index] = line.slice(0, -1);
    }
    this.#linesDone += lines.length;
    return lines;
  }

  #encodingFailure(region: Buffer): Error {
    let line = this.firstLine;
    let start = 0;
    for (;;) {
      const newline = region.indexOf(NEWLINE, start);
      const end = newline < 0 ? region.length : newline;
      if (newline < 0 || !isUtf8(region.subarray(start, end))) break;
      start = end + 1;
      line += 1;
    }
    return inputFailure(`line ${line}`, 'not valid UTF-8; convert the input to UTF-8 first');
  }
}
