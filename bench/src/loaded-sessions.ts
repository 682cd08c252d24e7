/** One process per engine, each with the same records loaded, which take commands in turns. */
import { join } from 'node:path';
import type { Settings } from './arguments.js';
import type { LoadedParameters } from './loaded-store.js';
import { withScratch } from './scratch.js';
import { Session } from './session.js';
import { nameOf, type Subject } from './subject.js';

export interface LoadedSession<C, R> {
  readonly subject: Subject;
  readonly session: Session<LoadedParameters, C, R>;
}

function startLoaded<C, R>(
  settings: Settings,
  entry: URL,
  subject: Subject,
  count: number,
  base: string,
): Promise<Session<LoadedParameters, C, R>> {
  const name = nameOf(subject);
  process.stderr.write(`loading ${count.toLocaleString('en-US')} records: ${name}\n`);
  const { openOptions, profileDirectory } = settings;
  const parameters = { ...subject, count, openOptions, directory: join(base, name) };
  return Session.start(entry, parameters, profileDirectory);
}

/** Opens all, lets `use` work with them, and closes them again. */
export async function withLoadedSessions<C, R, T>(
  settings: Settings,
  entry: URL,
  subjects: readonly Subject[],
  count: number,
  use: (opened: readonly LoadedSession<C, R>[]) => Promise<T>,
): Promise<T> {
  return withScratch(settings.directory, async (base) => {
    const opened: LoadedSession<C, R>[] = [];
    try {
      for (const subject of subjects) {
        const session = await startLoaded<C, R>(settings, entry, subject, count, base);
        opened.push({ subject, session });
      }
      const result = await use(opened);
      for (const { session } of opened) await session.end();
      return result;
    } finally {
      // A child that is left over would keep this process from ending.
      for (const { session } of opened) session.kill();
    }
  });
}
