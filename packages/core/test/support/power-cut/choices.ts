/**
 * What a power cut may leave of the changes that no sync has covered: one fate for each of them.
 * All subsets while there are few; then none, all, each alone, all but each, all up to each, and
 * random ones. Besides, every write torn between two sectors, either side surviving.
 */
import { SECTOR_BYTES, type PendingWrite, type Survival } from '@manifold-db/storage';

export type Fates = readonly (Survival | undefined)[];

/** With at most so many changes all of their subsets are tried. */
const ALL_SUBSETS_MAX = 10;
const RANDOM_SUBSETS = 64;
/** Of one write; those at random places when there are more. */
const TEARS_MAX = 8;

function whole({ bytes }: PendingWrite): Survival {
  return { from: 0, to: bytes };
}

function subset(changes: readonly PendingWrite[], isKept: (index: number) => boolean): Fates {
  return changes.map((change, index) => (isKept(index) ? whole(change) : undefined));
}

function* subsets(changes: readonly PendingWrite[], random: () => number): Generator<Fates> {
  const { length } = changes;
  if (length <= ALL_SUBSETS_MAX) {
    for (let bits = 0; bits < 1 << length; bits++) {
      yield subset(changes, (index) => ((bits >> index) & 1) === 1);
    }
    return;
  }
  yield subset(changes, () => false);
  for (let at = 0; at < length; at++) {
    yield subset(changes, (index) => index === at);
    yield subset(changes, (index) => index !== at);
    yield subset(changes, (index) => index <= at);
  }
  for (let i = 0; i < RANDOM_SUBSETS; i++) yield subset(changes, () => random() < 0.5);
}

/** Offsets within the write at which a sector ends. */
function tearsOf({ offset, bytes }: PendingWrite, random: () => number): number[] {
  const first = SECTOR_BYTES - (offset % SECTOR_BYTES);
  const tears: number[] = [];
  for (let at = first; at < bytes; at += SECTOR_BYTES) tears.push(at);
  while (tears.length > TEARS_MAX) tears.splice(Math.floor(random() * tears.length), 1);
  return tears;
}

/** One write torn, with all others there, with none, and with a random part of them. */
function* torn(changes: readonly PendingWrite[], random: () => number): Generator<Fates> {
  for (const [index, change] of changes.entries()) {
    for (const cut of tearsOf(change, random)) {
      for (const side of [
        { from: 0, to: cut },
        { from: cut, to: change.bytes },
      ]) {
        for (const share of [0, 1, 0.5]) {
          yield changes.map((other, at) => {
            if (at === index) return side;
            return random() < share ? whole(other) : undefined;
          });
        }
      }
    }
  }
}

/** The same for the same changes and the same random numbers. */
export function* choices(changes: readonly PendingWrite[], random: () => number): Generator<Fates> {
  yield* subsets(changes, random);
  yield* torn(changes, random);
}
