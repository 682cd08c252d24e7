/**
 * Loads a package that may not be installed. Its own types would be missing then, too, and nothing
 * could be compiled; so each adapter describes what it uses.
 */
import type { EngineName } from '../arguments.js';

/** A CommonJS module is found as the default. */
export async function loadPeer<T>(engine: EngineName): Promise<T> {
  const name: string = engine;
  const module = (await import(name)) as { default?: T };
  return module.default ?? (module as T);
}
