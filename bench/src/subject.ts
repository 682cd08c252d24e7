/** Who is measured: an engine in one of its modes, with one durability. */
import { ENGINES, MODE_DEFAULT, type EngineName, type Mode, type Settings } from './arguments.js';
import type { Durability } from './report.js';

export interface Subject {
  readonly engine: EngineName;
  /** The peers have one way only. */
  readonly mode: Mode | 'default';
  readonly durability: Durability;
}

/** Manifold in each mode, then the peers: those that are there and, if some were named, those. */
export function subjectsOf(
  settings: Settings,
  available: readonly EngineName[],
  durability: Durability,
  modes: readonly Mode[] = [MODE_DEFAULT],
): Subject[] {
  const wanted = settings.engines ?? ENGINES;
  return available
    .filter((engine) => wanted.includes(engine))
    .flatMap((engine): Subject[] => {
      if (engine !== 'manifold') return [{ engine, mode: 'default', durability }];
      return (settings.modes ?? modes).map((mode) => ({ engine, mode, durability }));
    });
}

/** Manifold goes by its mode: in most suites there is one, in others several are compared. */
export function nameOf({ engine, mode }: Pick<Subject, 'engine' | 'mode'>): string {
  return mode === 'default' ? engine : mode;
}
