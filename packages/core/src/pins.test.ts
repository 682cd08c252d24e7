import {
  BASES_MAX,
  CALL_VERSIONS_MAX,
  HELD_CHECKPOINTS_MAX,
  HELD_VERSIONS_MAX,
  attachShared,
  createSharedBuffers,
} from '@manifold-db/storage';
import { expect, it } from 'vitest';
import type { Engine } from './engine.js';
import { checkOpenOptions, sharedSizes } from './options/index.js';
import { HeldFor, Pins } from './pins.js';

function newPins(): Pins {
  const { options } = checkOpenOptions({});
  const shared = attachShared(createSharedBuffers(sharedSizes(options)));
  const engine = { shared, pager: { birthMark: () => 1 }, host: { now: () => 0 } };
  return new Pins(engine as unknown as Engine);
}

it('readers, reads and side work are refused before the engine runs out of rows', () => {
  const pins = newPins();
  const refusal = expect.objectContaining({ code: 'ERR_MANIFOLD_LIMIT' });
  let sequence = 0;
  for (let at = 0; at < HELD_VERSIONS_MAX; at++) pins.hold(++sequence, HeldFor.READER);
  expect(() => pins.hold(sequence + 1, HeldFor.READER)).toThrow(refusal);
  // Held already: no place more.
  pins.hold(sequence, HeldFor.READER);
  for (let at = 0; at < CALL_VERSIONS_MAX; at++) pins.hold(++sequence, HeldFor.CALL);
  expect(() => pins.hold(sequence + 1, HeldFor.CALL)).toThrow(refusal);
  for (let at = 0; at < HELD_CHECKPOINTS_MAX; at++) pins.pinCheckpoint(++sequence);
  expect(() => pins.pinCheckpoint(sequence + 1)).toThrow(refusal);
  for (let at = 0; at < BASES_MAX; at++) pins.pin(++sequence);
  pins.unpin(1);
  pins.unpinCheckpoint(sequence - BASES_MAX);
  pins.pinCheckpoint(++sequence);
});
