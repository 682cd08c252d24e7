/**
 * The bytes of a file or of stdin, in chunks, counted, without a byte-order mark.
 */
import { open, type FileHandle } from 'node:fs/promises';
import type { Context } from '../context.js';
import { CommandFailure } from '../failure.js';

const CHUNK_BYTES = 1024 * 1024;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Name on the command line that stands for stdin. */
export const STDIN = '-';

export interface Source {
  readonly name: string;
  /** Size of the input, or `undefined` when it cannot be known. */
  readonly bytesTotal: number | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes handed on so far. */
  bytesRead: number;
  close(): Promise<void>;
}

/** Drops a byte-order mark at the beginning, even one that comes in pieces. */
export async function* withoutByteOrderMark(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const compared = Math.min(head.length, BYTE_ORDER_MARK.length);
    const mayBeMark = head.subarray(0, compared).equals(BYTE_ORDER_MARK.subarray(0, compared));
    if (mayBeMark && head.length < BYTE_ORDER_MARK.length) continue;
    yield mayBeMark ? head.subarray(BYTE_ORDER_MARK.length) : head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

async function* fileChunks(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    // A fresh buffer each time: readers keep slices of it.
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(CHUNK_BYTES));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function counted(name: string, bytesTotal: number | undefined): Omit<Source, 'chunks' | 'close'> {
  return { name, bytesTotal, bytesRead: 0 };
}

async function* count(
  source: { bytesRead: number },
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    source.bytesRead += chunk.length;
    yield chunk;
  }
}

function makeSource(
  name: string,
  bytesTotal: number | undefined,
  chunks: AsyncIterable<Uint8Array>,
  close: () => Promise<void>,
): Source {
  const base = counted(name, bytesTotal);
  return Object.assign(base, { chunks: withoutByteOrderMark(count(base, chunks)), close });
}

/** Opens the input; fails with one clear line when it cannot be read. */
export async function openSource(input: string, context: Context): Promise<Source> {
  if (input === STDIN) {
    return makeSource('stdin', undefined, context.stdin, () => Promise.resolve());
  }
  let file: FileHandle | undefined;
  try {
    file = await open(input, 'r');
    const info = await file.stat();
    if (info.isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
    const handle = file;
    const bytesTotal = info.isFile() ? info.size : undefined;
    return makeSource(input, bytesTotal, fileChunks(handle), () => handle.close());
  } catch (error) {
    await file?.close();
    throw cannotRead(input, error);
  }
}

function cannotRead(input: string, error: unknown): CommandFailure {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file; check the path, or give "-" for stdin',
    EISDIR: 'it is a directory; give a file, or "-" for stdin',
    EACCES: 'permission denied; check the owner and the permissions of the file',
  };
  const reason = reasons[code] ?? (error as Error).message;
  return new CommandFailure(`cannot read ${input}: ${reason}`, undefined, error);
}
