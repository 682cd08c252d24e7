/**
 * Buffered text output that respects a slow reader and notices one that has gone away.
 *
 * 1. At most FLUSH_CHARACTERS are held back here; `line` and `bytes` say when to wait for `flush`.
 * 2. After the reader closed its end (EPIPE) every call throws `OutputClosed`; an output that is
 *    optional (stderr) is then silently dropped instead.
 */
import type { Writable } from 'node:stream';
import { OutputClosed } from './failure.js';

const FLUSH_CHARACTERS = 64 * 1024;

export class Output {
  readonly #stream: Writable;
  readonly #optional: boolean;
  #text = '';
  #closed = false;
  #failure: Error | undefined;

  constructor(stream: Writable, options: { readonly optional?: boolean } = {}) {
    this.#stream = stream;
    this.#optional = options.optional === true;
    stream.on('error', (error) => this.#end(error));
  }

  /** Adds a line; true when `flush` should be awaited before the next one. */
  line(text: string): boolean {
    this.#check();
    this.#text += `${text}\n`;
    return this.#text.length >= FLUSH_CHARACTERS;
  }

  /** Adds bytes as they are; flushes what came before. */
  async bytes(bytes: Uint8Array): Promise<void> {
    await this.flush();
    await this.#write(bytes);
  }

  /** Hands everything over to the stream and waits until it has taken it. */
  async flush(): Promise<void> {
    this.#check();
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    await this.#write(text);
  }

  async #write(data: string | Uint8Array): Promise<void> {
    this.#check();
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#stream.write(data, (error) => {
        if (error) this.#end(error);
        resolve();
      });
    });
    this.#check();
  }

  #end(error: NodeJS.ErrnoException): void {
    this.#closed = true;
    if (error.code !== 'EPIPE') this.#failure = error;
  }

  #check(): void {
    if (this.#optional) return;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new OutputClosed();
  }
}
