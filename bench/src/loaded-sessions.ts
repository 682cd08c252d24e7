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
    for (const subject of subjects) {
      const name = nameOf(subject);
      process.stderr.write(`loading ${count.toLocaleString('en-US')} records: ${name}\n`);
      const { openOptions, profileDirectory } = settings;
      const parameters = { ...subject, count, openOptions, directory: join(base, name) };
      const session = await Session.start<LoadedParameters, C, R>(
        entry,
        parameters,
        profileDirectory,
      );
      opened.push({ subject, session });
    }
    const result = await use(opened);
    for (const { session } of opened) await session.end();
    return result;
  });
}
