/**
 * Kinds of damage to one file, with a text for each that names it again: `flip data.manifold 1234`.
 * All of them change the bytes of a copy, but a flip, of which there are a million: it changes the
 * bytes themselves and takes it back.
 */
import { randomFrom } from '../simulator.js';
import type { Files } from './memory-files.js';

export const SECTOR_BYTES = 512;

export type DamageKind = 'flip' | 'zero' | 'swap' | 'copy' | 'cut' | 'extend';

export interface Damage {
  readonly kind: DamageKind;
  readonly file: string;
  /**
   * flip: number of the bit. zero: sector. swap, copy: sector, and the one it goes to. cut: bytes
   * left. extend: bytes of garbage.
   */
  readonly at: number;
  readonly to: number;
}

/** Bytes that are no longer what they were. */
export interface Touched {
  readonly file: string;
  readonly from: number;
  readonly end: number;
}

export function damageText({ kind, file, at, to }: Damage): string {
  const hasTarget = kind === 'swap' || kind === 'copy';
  return `${kind} ${file} ${at}${hasTarget ? ` ${to}` : ''}`;
}

export function parseDamage(text: string): Damage {
  const [kind, file, at, to] = text.split(' ');
  if (file === undefined || at === undefined) throw new Error(`not a kind of damage: ${text}`);
  return { kind: kind as DamageKind, file, at: Number(at), to: Number(to ?? 0) };
}

/** Runs `look` while one bit of a file is the other way round. */
export function withFlip<T>(files: Files, { file, at }: Damage, look: () => T): T {
  const bytes = files.get(file)!;
  bytes[at >>> 3]! ^= 1 << (at & 7);
  try {
    return look();
  } finally {
    bytes[at >>> 3]! ^= 1 << (at & 7);
  }
}

/** The damaged files; those that are whole are not copied. */
export function damagedFiles(files: Files, damage: Damage): Map<string, Uint8Array> {
  const bytes = files.get(damage.file);
  if (bytes === undefined) throw new Error(`there is no file ${damage.file}`);
  return new Map(files).set(damage.file, changed(bytes, damage));
}

function changed(bytes: Uint8Array, { kind, at, to }: Damage): Uint8Array {
  if (kind === 'cut') return bytes.slice(0, at);
  if (kind === 'extend') {
    const longer = new Uint8Array(bytes.length + at);
    longer.set(bytes);
    const random = randomFrom(at);
    for (let i = bytes.length; i < longer.length; i++) longer[i] = Math.floor(random() * 256);
    return longer;
  }
  const copy = bytes.slice();
  const sector = (number: number) =>
    bytes.subarray(number * SECTOR_BYTES, (number + 1) * SECTOR_BYTES);
  // A sector cut off by the end of the file is smaller than the one that goes there.
  const put = (from: Uint8Array, number: number) =>
    copy.set(from.subarray(0, sector(number).length), number * SECTOR_BYTES);
  if (kind === 'flip') copy[at >>> 3]! ^= 1 << (at & 7);
  if (kind === 'zero') put(new Uint8Array(SECTOR_BYTES), at);
  if (kind === 'copy' || kind === 'swap') put(sector(at), to);
  if (kind === 'swap') put(sector(to), at);
  return copy;
}

/** What really changed: a zero sector that is zeroed is whole. */
export function touchedBytes(files: Files, damage: Damage): Touched[] {
  const { kind, file, at, to } = damage;
  const before = files.get(file)!;
  if (kind === 'flip') return [{ file, from: at >>> 3, end: (at >>> 3) + 1 }];
  if (kind === 'cut') return [{ file, from: at, end: before.length }];
  if (kind === 'extend') return [{ file, from: before.length, end: before.length + at }];
  const after = changed(before, damage);
  const touched: Touched[] = [];
  for (const number of kind === 'swap' ? [at, to] : [kind === 'copy' ? to : at]) {
    let from = number * SECTOR_BYTES;
    let end = Math.min(from + SECTOR_BYTES, before.length);
    while (from < end && before[from] === after[from]) from++;
    while (end > from && before[end - 1] === after[end - 1]) end--;
    if (end > from) touched.push({ file, from, end });
  }
  return touched;
}
