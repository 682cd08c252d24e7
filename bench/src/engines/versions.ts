/** Which version of an engine is installed. */
import { readFileSync } from 'node:fs';
import type { EngineName } from '../arguments.js';

const CORE = new URL('../../../packages/core/package.json', import.meta.url);

function packageFile(engine: EngineName): URL {
  if (engine === 'manifold') return CORE;
  return new URL(`../../node_modules/${engine}/package.json`, import.meta.url);
}

export function versionOf(engine: EngineName): string {
  const { version } = JSON.parse(readFileSync(packageFile(engine), 'utf8')) as { version: string };
  return version;
}
