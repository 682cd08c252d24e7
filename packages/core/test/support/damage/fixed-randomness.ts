/**
 * Runs a database's life with the same random bytes and the same clock every time, so that its
 * files are the same bytes in every run: a case that names a bit names the same bit again.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { randomFrom } from '../simulator.js';

const CLOCK_MS = Date.UTC(2026, 0, 1);

/** Between start and end of `body`, ids and salts come from the seed. */
export async function withFixedRandomness<T>(seed: number, body: () => Promise<T>): Promise<T> {
  const { randomBytes } = crypto;
  const { now } = Date;
  const random = randomFrom(seed);
  const fixed = (count: number): Buffer =>
    Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));
  crypto.randomBytes = fixed as typeof randomBytes;
  Date.now = () => CLOCK_MS;
  syncBuiltinESMExports();
  try {
    return await body();
  } finally {
    crypto.randomBytes = randomBytes;
    Date.now = now;
    syncBuiltinESMExports();
  }
}
