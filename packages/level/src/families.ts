/**
 * The handles of the column family `default`, one for each pair of encodings. Main thread.
 */
import type { ColumnFamily, Database } from '@manifold-db/core';
import type { EngineEncoding, Format } from './keys.js';

type Handle = ColumnFamily<Format, Format>;

export class Families {
  readonly #text: { readonly text: Handle; readonly bytes: Handle };
  readonly #bytes: { readonly text: Handle; readonly bytes: Handle };

  constructor(database: Database) {
    const handle = (keyEncoding: EngineEncoding, valueEncoding: EngineEncoding): Handle => {
      // Each handle gets keys and values of its own encodings only: `get` sees to that.
      const options = { keyEncoding, valueEncoding } as object;
      return database.columnFamily<Format, Format>('default', options);
    };
    this.#text = { text: handle('utf8', 'utf8'), bytes: handle('utf8', 'buffer') };
    this.#bytes = { text: handle('buffer', 'utf8'), bytes: handle('buffer', 'buffer') };
  }

  get(keyEncoding: EngineEncoding, valueEncoding: EngineEncoding): Handle {
    const handles = keyEncoding === 'utf8' ? this.#text : this.#bytes;
    return valueEncoding === 'utf8' ? handles.text : handles.bytes;
  }

  /** For keys and values that are at hand. */
  of(key: Format, value: Format): Handle {
    return this.get(
      typeof key === 'string' ? 'utf8' : 'buffer',
      typeof value === 'string' ? 'utf8' : 'buffer',
    );
  }

  /** For calls without values. */
  ofKey(key: Format): Handle {
    return typeof key === 'string' ? this.#text.text : this.#bytes.bytes;
  }
}
