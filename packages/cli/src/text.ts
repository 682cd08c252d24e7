/**
 * Between bytes of the database and text of the command line.
 */
import { isUtf8 } from 'node:buffer';
import { usageFailure } from './failure.js';

export const TEXT_ENCODINGS = ['utf8', 'hex', 'base64'] as const;
export type TextEncoding = (typeof TEXT_ENCODINGS)[number];

const HEX = /^(?:[0-9a-f]{2})*$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f\\]/g; // oxlint-disable-line no-control-regex
const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
};

/** Bytes of an argument; `name` is used in the message when it is not in that encoding. */
export function parseBytes(text: string, encoding: TextEncoding, name: string): Buffer {
  if (encoding === 'hex' && !HEX.test(text)) {
    throw usageFailure(`${name} "${text}" is not hexadecimal; give pairs of the digits 0-9 a-f`);
  }
  if (encoding === 'base64' && !BASE64.test(text)) {
    throw usageFailure(`${name} "${text}" is not base64; check its characters and its padding`);
  }
  return Buffer.from(text, encoding);
}

/** Text for one line of a terminal: control characters escaped, bytes that are no text in hex. */
export function showBytes(bytes: Buffer, encoding: TextEncoding): string {
  if (encoding !== 'utf8') return bytes.toString(encoding);
  if (!isUtf8(bytes)) return `hex:${bytes.toString('hex')}`;
  return bytes.toString('utf8').replaceAll(CONTROL_CHARACTERS, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(2, '0');
    return NAMED_ESCAPES[character] ?? `\\x${code}`;
  });
}

/**
 * Members of a JSON object for bytes: `{ key: 'text' }`, or `{ key64: 'base64' }` when they are not
 * valid UTF-8. The same form stands in dumps.
 */
export function jsonBytes(
  name: string,
  bytes: Buffer,
  encoding: TextEncoding,
): Record<string, string> {
  if (encoding !== 'utf8') return { [name]: bytes.toString(encoding) };
  if (isUtf8(bytes)) return { [name]: bytes.toString('utf8') };
  return { [`${name}64`]: bytes.toString('base64') };
}
