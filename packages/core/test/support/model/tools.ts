/**
 * SPIN and a C compiler: where they are, or why the model cannot be checked here. They are Debian's
 * packages `spin` and `gcc`; only a process of root that is asked to (MANIFOLD_INSTALL_SPIN=1)
 * installs them.
 */
import { spawnSync } from 'node:child_process';

const { env } = process;
const INSTALL_LIMIT_MS = 300_000;

export interface Tools {
  readonly spin: string;
  readonly compiler: string;
}

function firstThatRuns(candidates: readonly (string | undefined)[], flag: string) {
  return candidates.find(
    (command) => command !== undefined && spawnSync(command, [flag]).status === 0,
  );
}

function find(): Tools | undefined {
  const spin = firstThatRuns([env['SPIN'], 'spin', '/usr/bin/spin'], '-V');
  const compiler = firstThatRuns([env['CC'], 'gcc', 'cc', 'clang'], '--version');
  return spin === undefined || compiler === undefined ? undefined : { spin, compiler };
}

export function findTools(): Tools | undefined {
  const found = find();
  const mayInstall = env['MANIFOLD_INSTALL_SPIN'] === '1' && process.getuid?.() === 0;
  if (found !== undefined || !mayInstall) return found;
  const options = { stdio: 'ignore', timeout: INSTALL_LIMIT_MS } as const;
  spawnSync('apt-get', ['install', '-y', 'spin', 'gcc', 'libc6-dev'], options);
  return find();
}

export const TOOLS_MISSING =
  'SKIPPED: the model is not checked here, because `spin` or `gcc` was not found ' +
  '(apt-get install spin gcc, or MANIFOLD_INSTALL_SPIN=1 as root)';
