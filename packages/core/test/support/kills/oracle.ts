/**
 * What a database that is killed again and again must hold. Every process says what it finds when
 * it opens, as a sequence and a digest of the whole content; both must be what was committed by the
 * processes before: everything acknowledged that survives the death of a process (`immediate` and
 * `async`), and the commits behind it without a gap. Test thread.
 */
import { createHash } from 'node:crypto';
import { NumberedContent } from '../numbered-commits.js';

export class KillOracle {
  readonly problems: string[] = [];
  acknowledged = 0;
  readonly #content = new NumberedContent();
  /** Of the life that commits now. */
  #tag = '';
  /** The highest commit that must be there: written, or more. */
  #written = 0;
  /** The highest one that is durable. */
  #durable = 0;

  /** A new life found this. */
  opened(tag: string, sequence: number, digest: string): void {
    this.#expectContent('opened', this.#written, sequence, digest);
    this.#tag = tag;
    // Recovery made it durable.
    this.#written = sequence;
  }

  /** A database that has failed shows what is durable. */
  read(sequence: number, digest: string): void {
    this.#expectContent('read', this.#durable, sequence, digest);
  }

  acknowledge(number: number, durability: string): void {
    this.acknowledged += 1;
    // `none` promises nothing but to be a part of the order.
    if (durability !== 'none') this.#written = Math.max(this.#written, number);
    if (durability === 'immediate') this.#durable = Math.max(this.#durable, number);
  }

  #expectContent(what: string, least: number, sequence: number, digest: string): void {
    if (sequence < least) {
      this.problems.push(`${what}: ${least} is acknowledged, ${sequence} is the last`);
      return;
    }
    this.#durable = sequence;
    this.#content.goOnTo(sequence, this.#tag);
    const expected = createHash('sha1').update(this.#content.lines().join('\n')).digest('hex');
    if (digest !== expected) {
      this.problems.push(`${what}: the content of ${sequence} is not that of the commits 1 to it`);
    }
  }
}
