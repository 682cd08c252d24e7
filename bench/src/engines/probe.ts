/** Which of the engines work on this machine. A peer that does not is skipped, by name. */
import { ENGINES, type EngineName, type Settings } from '../arguments.js';
import { runIsolated } from '../isolated.js';
import type { Skipped } from '../report.js';
import type { ProbeParameters } from './probe-child.js';

const CHILD = new URL('./probe-child.js', import.meta.url);

export interface Availability {
  readonly available: readonly EngineName[];
  readonly skipped: readonly Skipped[];
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0]!;
}

export async function probeEngines(
  settings: Settings,
  engines: readonly EngineName[] = ENGINES,
): Promise<Availability> {
  const wanted = engines.filter((engine) => settings.engines?.includes(engine) ?? true);
  const available: EngineName[] = [];
  const skipped: Skipped[] = [];
  for (const engine of wanted) {
    const { directory, openOptions } = settings;
    // Manifold has to work; what it says when it does not is no reason to go on.
    if (engine === 'manifold') {
      available.push(engine);
      continue;
    }
    try {
      const parameters: ProbeParameters = { engine, mode: 'default', directory, openOptions };
      await runIsolated<ProbeParameters, boolean>(CHILD, parameters, {});
      available.push(engine);
    } catch (error) {
      const why = reasonOf(error);
      process.stderr.write(`skipped ${engine}: ${why}\n`);
      skipped.push({ engine, why });
    }
  }
  return { available, skipped };
}
