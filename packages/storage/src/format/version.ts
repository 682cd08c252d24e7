/** Version of all file formats together, and the feature bits this build understands. */
import { ManifoldError } from '../errors.js';

export const FORMAT_VERSION = 1;
export const FEATURES_KNOWN = 0;

/** Throws when this build must not touch a file. Comes before any checksum. */
export function requireKnownFormat(path: string, formatVersion: number, features: number): void {
  if (formatVersion !== FORMAT_VERSION) {
    const message = `${path}: format version ${formatVersion}, this build reads ${FORMAT_VERSION}`;
    throw new ManifoldError('ERR_MANIFOLD_FORMAT', message, { path });
  }
  const unknown = (features & ~FEATURES_KNOWN) >>> 0;
  if (unknown !== 0) {
    const bits = unknown.toString(16);
    const message = `${path}: unknown feature bits 0x${bits}; a newer release wrote this file`;
    throw new ManifoldError('ERR_MANIFOLD_FORMAT', message, { path });
  }
}
