/**
 * What a simulated disk has accepted but not made durable, and what a power loss leaves of it.
 *
 * Model: a power loss keeps or drops every pending change on its own; a write may also be torn at a
 * 512-byte boundary, either side surviving. Changes of names are atomic, and a kept one brings the
 * earlier ones that touch the same names with it, as the journal of every common file system does.
 */
import type { Piece } from './content-pieces.js';

export const SECTOR_BYTES = 512;

export interface PendingFileChange {
  readonly kind: 'write' | 'truncate';
  readonly operation: number;
  readonly inode: number;
  /** Offset of a write, new size of a truncate. */
  readonly offset: number;
  /** Of a write; 0 for a truncate. */
  readonly bytes: number;
  /** What a write puts where, in order. */
  readonly pieces: readonly Piece[];
  readonly description: string;
}

/** Names set (to an inode) and taken away (`undefined`), all or nothing. */
export interface PendingNameChange {
  readonly kind: 'names';
  readonly operation: number;
  readonly changes: readonly (readonly [path: string, inode: number | undefined])[];
  readonly description: string;
}

export type PendingChange = PendingFileChange | PendingNameChange;

export interface PendingWrite {
  /** Position in the list; what `dropWrite` and `keepOnly` take. */
  readonly index: number;
  /** Number of the operation that caused it. */
  readonly operation: number;
  readonly kind: PendingChange['kind'];
  readonly description: string;
  /** Where it writes, and how much; 0 bytes for anything but a write. */
  readonly offset: number;
  readonly bytes: number;
}

/** Uniform random number in [0, 1). */
export type Random = () => number;

/** The surviving bytes of one change: all (`from` 0 to the end), none (`undefined`), or a part. */
export interface Survival {
  readonly from: number;
  readonly to: number;
}

/** `fates`: of every pending change, in order. */
export type CrashOptions =
  | { keep: 'none' | 'all' }
  | { dropWrite: number }
  | { keepOnly: number }
  | { random: Random }
  | { fates: readonly (Survival | undefined)[] };

const TEAR_SHARE = 0.2;
const DROP_SHARE = 0.4;

function tear(change: PendingFileChange, random: Random): Survival {
  const end = change.offset + change.bytes;
  const firstBoundary = Math.floor(change.offset / SECTOR_BYTES) + 1;
  const boundaryCount = Math.ceil(end / SECTOR_BYTES) - firstBoundary;
  if (boundaryCount <= 0) return { from: 0, to: change.bytes };
  const boundary = (firstBoundary + Math.floor(random() * boundaryCount)) * SECTOR_BYTES;
  const cut = boundary - change.offset;
  return random() < 0.5 ? { from: 0, to: cut } : { from: cut, to: change.bytes };
}

type Named = Exclude<CrashOptions, { random: Random } | { fates: unknown }>;

function isKept(index: number, options: Named): boolean {
  if ('keep' in options) return options.keep === 'all';
  if ('dropWrite' in options) return index !== options.dropWrite;
  return index === options.keepOnly;
}

/** Decides the fate of every change, in order. */
export function survivals(
  changes: readonly PendingChange[],
  options: CrashOptions,
): (Survival | undefined)[] {
  if ('fates' in options) {
    const given = options.fates.slice();
    settleNames(changes, given, undefined);
    return given;
  }
  const fates = changes.map((change, index): Survival | undefined => {
    const whole = { from: 0, to: change.kind === 'names' ? 0 : change.bytes };
    if (!('random' in options)) return isKept(index, options) ? whole : undefined;
    const dice = options.random();
    if (dice < DROP_SHARE) return undefined;
    if (change.kind !== 'write' || dice >= DROP_SHARE + TEAR_SHARE) return whole;
    return tear(change, options.random);
  });
  const dropped = 'dropWrite' in options ? options.dropWrite : undefined;
  settleNames(changes, fates, dropped);
  return fates;
}

function touchesSameName(a: PendingNameChange, b: PendingNameChange): boolean {
  return a.changes.some(([path]) => b.changes.some(([other]) => other === path));
}

/** Makes name changes that depend on each other agree: without the earlier, never the later. */
function settleNames(
  changes: readonly PendingChange[],
  fates: (Survival | undefined)[],
  dropped: number | undefined,
): void {
  const names: { index: number; change: PendingNameChange }[] = [];
  changes.forEach((change, index) => {
    if (change.kind === 'names') names.push({ index, change });
  });
  if (dropped !== undefined) {
    // The dropped one stays dropped: whatever builds on it is lost as well.
    for (let later = 0; later < names.length; later += 1) {
      const lost = names
        .slice(0, later)
        .some(
          (e) => fates[e.index] === undefined && touchesSameName(e.change, names[later].change),
        );
      if (lost) fates[names[later].index] = undefined;
    }
    return;
  }
  for (let later = names.length - 1; later >= 0; later -= 1) {
    if (fates[names[later].index] === undefined) continue;
    for (const earlier of names.slice(0, later)) {
      if (touchesSameName(earlier.change, names[later].change)) {
        fates[earlier.index] ??= { from: 0, to: 0 };
      }
    }
  }
}
