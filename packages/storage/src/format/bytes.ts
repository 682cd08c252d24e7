/**
 * Little-endian integers at any byte offset, without views or objects. The engine also reads the
 * same bytes through Int32Array views, so it runs on little-endian machines only.
 */
import { assert } from '../assert.js';

const TWO_POW_32 = 0x1_0000_0000;

assert(new Uint8Array(new Uint32Array([1]).buffer)[0] === 1, 'the machine is little-endian');

export function readU16(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | (bytes[offset + 1] << 8);
}

export function readU32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] |
      (bytes[offset + 1] << 8) |
      (bytes[offset + 2] << 16) |
      (bytes[offset + 3] << 24)) >>>
    0
  );
}

/** May return more than a safe integer when the bytes are damaged: check before use. */
export function readU64(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) + readU32(bytes, offset + 4) * TWO_POW_32;
}

export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
}

export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/** `value` is a safe integer; shifts take it modulo 2^32, the division gives the rest. */
export function writeU64(bytes: Uint8Array, offset: number, value: number): void {
  writeU32(bytes, offset, value);
  writeU32(bytes, offset + 4, highWord(value));
}

/** Upper 32 bits of a safe integer. */
export function highWord(value: number): number {
  return Math.floor(value / TWO_POW_32);
}

export function joinWords(low: number, high: number): number {
  return (low >>> 0) + (high >>> 0) * TWO_POW_32;
}

export function isZero(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
  for (let offset = from; offset < to; offset += 1) {
    if (bytes[offset] !== 0) return false;
  }
  return true;
}

/** Copies ASCII text, for magic numbers. */
export function writeAscii(bytes: Uint8Array, offset: number, text: string): void {
  for (let index = 0; index < text.length; index += 1) {
    bytes[offset + index] = text.charCodeAt(index);
  }
}

export function isAscii(bytes: Uint8Array, offset: number, text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[offset + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

export const DATABASE_ID_BYTES = 16;

export function isSameId(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
