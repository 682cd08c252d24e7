/**
 * The least that a durable write can cost: one write into preallocated space and one `fdatasync`,
 * without any engine. Measured beside the engines, since disks differ and change.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILE_BYTES = 8 * 1024 * 1024;

export class BareLog {
  readonly #file: number;
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(directory: string, recordBytes: number) {
    this.#file = openSync(join(directory, 'bare.log'), 'w');
    this.#bytes = Buffer.alloc(recordBytes, 0xa5);
    writeSync(this.#file, Buffer.alloc(FILE_BYTES), 0, FILE_BYTES, 0);
    fsyncSync(this.#file);
  }

  /** Writes and syncs one record; starts again at the front of the file when it is full. */
  append(): void {
    const { length } = this.#bytes;
    if (this.#offset + length > FILE_BYTES) this.#offset = 0;
    writeSync(this.#file, this.#bytes, 0, length, this.#offset);
    fdatasyncSync(this.#file);
    this.#offset += length;
  }

  /** Microseconds that one `append` took. */
  timedAppendUs(): number {
    const started = performance.now();
    this.append();
    return (performance.now() - started) * 1e3;
  }

  close(): void {
    closeSync(this.#file);
  }
}
