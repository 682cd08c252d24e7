/**
 * Makes a failing history shorter: drops what comes behind the failure, then ever smaller pieces,
 * as long as it still fails and there is time left (delta debugging).
 */
import type { History } from './commands.js';
import { HistoryFailure } from './engine.js';

export interface Failing {
  readonly history: History;
  readonly error: unknown;
}

/** The error of a run, or `undefined`. */
export type Attempt = (history: History) => Promise<unknown>;

function cutBehind({ history, error }: Failing): History {
  if (!(error instanceof HistoryFailure)) return history;
  return { ...history, commands: history.commands.slice(0, error.index + 1) };
}

export async function shorten(found: Failing, attempt: Attempt, limitMs: number): Promise<Failing> {
  const end = performance.now() + limitMs;
  let best = { ...found };
  const tryOut = async (history: History): Promise<boolean> => {
    const error = await attempt(history);
    if (error === undefined) return false;
    best = { history, error };
    return true;
  };
  const cut = cutBehind(found);
  if (cut.commands.length < found.history.commands.length) await tryOut(cut);
  for (let piece = Math.ceil(best.history.commands.length / 2); piece > 0;) {
    let isShorter = false;
    for (let from = 0; from < best.history.commands.length;) {
      if (performance.now() > end) return best;
      const { commands } = best.history;
      const rest = [...commands.slice(0, from), ...commands.slice(from + piece)];
      if (await tryOut({ ...best.history, commands: rest })) isShorter = true;
      else from += piece;
    }
    if (piece > 1) piece = Math.floor(piece / 2);
    else if (!isShorter) break;
  }
  return best;
}
