/**
 * Hash over everything that a run did, in order: scheduled steps with their outcome, file
 * operations, what the main thread called and got. Two runs of one seed must have the same.
 */
const FACTOR_A = 0x9e3779b1;
const FACTOR_B = 0x85ebca6b;

export class OperationHash {
  #a = 1;
  #b = 2;
  /** Length of what was hashed; a short run that ends early shows. */
  count = 0;
  /** Notes everything in words too: for finding where two runs part. */
  trace: string[] | undefined;

  number(value: number): void {
    this.count++;
    this.trace?.push(String(value));
    this.#mix(value | 0);
    // Sequences and offsets beyond 32 bits count whole.
    if (value !== (value | 0)) this.#mix(Math.floor(value / 2 ** 32));
  }

  text(text: string): void {
    this.count++;
    this.trace?.push(text);
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.#mix(text.length);
  }

  #mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, FACTOR_A);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul((this.#b + value) ^ (this.#b >>> 13), FACTOR_B);
  }

  digest(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.#a) + hex(this.#b);
  }
}
