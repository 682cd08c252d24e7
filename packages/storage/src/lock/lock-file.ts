/**
 * Content of a lock file, and the judgement whether its holder still lives. One line of JSON:
 *
 *   {"version":1,"nonce":"<32 hex digits>","pid":12,"pidNamespace":"pid:[4026531836]",
 *    "bootId":"<uuid>","startTime":"3456","host":"box"}
 *
 * `pidNamespace`, `bootId` and `startTime` are missing where the system does not tell them.
 */
import type { ProcessFacts } from './process-facts.js';

const VERSION = 1;
const NONCE = /^[0-9a-f]{32}$/;
/** No lock file is longer; more is not read. */
export const LOCK_FILE_BYTES_MAX = 4096;

export interface LockHolder {
  nonce: string;
  pid: number;
  pidNamespace: string | undefined;
  bootId: string | undefined;
  startTime: string | undefined;
  host: string;
}

export function holderOf(facts: ProcessFacts, nonce: string): LockHolder {
  const { pid, pidNamespace, bootId, startTime, host } = facts;
  return { nonce, pid, pidNamespace, bootId, startTime, host };
}

export function encodeLockFile(holder: LockHolder): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ version: VERSION, ...holder })}\n`);
}

/** `undefined` when the file was not written to its end: its maker died, or is still at it. */
export function decodeLockFile(bytes: Uint8Array): LockHolder | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  if (!text.endsWith('\n')) return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isHolder(fields) ? pickHolder(fields) : undefined;
}

function isHolder(fields: unknown): fields is LockHolder & { version: number } {
  if (typeof fields !== 'object' || fields === null) return false;
  const { version, nonce, pid, host, pidNamespace, bootId, startTime } = fields as Record<
    string,
    unknown
  >;
  const areOptionalTexts = [pidNamespace, bootId, startTime].every(
    (text) => text === undefined || typeof text === 'string',
  );
  return (
    version === VERSION &&
    typeof nonce === 'string' &&
    NONCE.test(nonce) &&
    typeof pid === 'number' &&
    Number.isSafeInteger(pid) &&
    pid > 0 &&
    typeof host === 'string' &&
    areOptionalTexts
  );
}

function pickHolder(holder: LockHolder): LockHolder {
  const { nonce, pid, pidNamespace, bootId, startTime, host } = holder;
  return { nonce, pid, pidNamespace, bootId, startTime, host };
}

/** `held` lives; `stale` is surely dead; `foreign` cannot be checked, so it counts as held. */
export type Verdict = 'held' | 'stale' | 'foreign';

export function judgeHolder(holder: LockHolder, facts: ProcessFacts): Verdict {
  const areBootsKnown = holder.bootId !== undefined && facts.bootId !== undefined;
  if (areBootsKnown && holder.bootId !== facts.bootId) return 'stale';
  if (!areBootsKnown && holder.host !== facts.host) return 'foreign';
  if (holder.pidNamespace !== facts.pidNamespace) return 'foreign';
  if (!facts.isAlive(holder.pid)) return 'stale';
  const startTime = facts.startTimeOf(holder.pid);
  const areStartsKnown = holder.startTime !== undefined && startTime !== undefined;
  return areStartsKnown && holder.startTime !== startTime ? 'stale' : 'held';
}
