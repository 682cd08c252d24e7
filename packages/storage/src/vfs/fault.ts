/**
 * A file system that fails on purpose. Rules are data, so they travel to worker threads; each
 * thread's `Vfs` counts for itself, and a gate (a word of shared memory) lets a test switch a rule
 * on and off from another thread.
 */
import { errnoError, type OpenMode, type Vfs, type VfsFile } from './vfs.js';

export type FaultOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'dataSync'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'syncDirectory';

export interface FaultRule {
  operation: FaultOperation;
  /** Only paths that contain this. */
  pathIncludes?: string;
  /** That many matching calls succeed first. */
  afterCalls?: number;
  /** That many calls fail, then the rule is spent; without it, all do. */
  times?: number;
  errno: 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EROFS' | 'EACCES';
  /** A failing write first writes this many bytes. */
  partialBytes?: number;
  /** Int32 word 0: the rule neither counts nor fails while it is zero. */
  gate?: SharedArrayBuffer;
}

interface RuleState {
  readonly rule: FaultRule;
  readonly gate: Int32Array | undefined;
  calls: number;
  failures: number;
}

function ruleState(rule: FaultRule): RuleState {
  const gate = rule.gate === undefined ? undefined : new Int32Array(rule.gate);
  return { rule, gate, calls: 0, failures: 0 };
}

function isHit(state: RuleState, operation: FaultOperation, path: string): boolean {
  const { rule, gate } = state;
  if (rule.operation !== operation) return false;
  if (rule.pathIncludes !== undefined && !path.includes(rule.pathIncludes)) return false;
  if (gate !== undefined && Atomics.load(gate, 0) === 0) return false;
  state.calls += 1;
  if (state.calls <= (rule.afterCalls ?? 0)) return false;
  if (rule.times !== undefined && state.failures >= rule.times) return false;
  state.failures += 1;
  return true;
}

/** The rule that makes this call fail, if there is one. Every matching rule counts the call. */
function hitRule(
  states: readonly RuleState[],
  operation: FaultOperation,
  path: string,
): FaultRule | undefined {
  let hit: FaultRule | undefined;
  for (const state of states) {
    if (isHit(state, operation, path)) hit ??= state.rule;
  }
  return hit;
}

/** The first `bytes` bytes of `parts`. */
function headOf(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const head: Uint8Array[] = [];
  let left = bytes;
  for (const part of parts) {
    if (left <= 0) break;
    head.push(part.subarray(0, left));
    left -= part.length;
  }
  return head;
}

class FaultFile implements VfsFile {
  readonly #file: VfsFile;
  readonly #path: string;
  readonly #states: readonly RuleState[];
  readonly #onFailedSync: FailedSync;

  constructor(file: VfsFile, path: string, states: readonly RuleState[], onFailedSync: FailedSync) {
    this.#file = file;
    this.#path = path;
    this.#states = states;
    this.#onFailedSync = onFailedSync;
  }

  read(target: Uint8Array, offset: number): number {
    this.#check('read');
    return this.#file.read(target, offset);
  }

  write(parts: readonly Uint8Array[], offset: number): void {
    const rule = hitRule(this.#states, 'write', this.#path);
    if (rule === undefined) {
      this.#file.write(parts, offset);
      return;
    }
    const partialBytes = rule.partialBytes ?? 0;
    if (partialBytes > 0) this.#file.write(headOf(parts, partialBytes), offset);
    throw errnoError(rule.errno, 'write', this.#path);
  }

  dataSync(): void {
    this.#checkSync('dataSync');
    this.#file.dataSync();
  }

  sync(): void {
    this.#checkSync('sync');
    this.#file.sync();
  }

  truncate(bytes: number): void {
    this.#check('truncate');
    this.#file.truncate(bytes);
  }

  size(): number {
    return this.#file.size();
  }

  close(): void {
    this.#file.close();
  }

  #checkSync(operation: 'dataSync' | 'sync'): void {
    const rule = hitRule(this.#states, operation, this.#path);
    if (rule === undefined) return;
    this.#onFailedSync(this.#path);
    throw errnoError(rule.errno, operation, this.#path);
  }

  #check(operation: FaultOperation): void {
    const rule = hitRule(this.#states, operation, this.#path);
    if (rule !== undefined) throw errnoError(rule.errno, operation, this.#path);
  }
}

/** Told which file could not be synced, before the error. */
export type FailedSync = (path: string) => void;

/** With `onFailedSync`, a simulated disk loses what a failed sync was to make durable. */
export function createFaultVfs(
  base: Vfs,
  rules: readonly FaultRule[],
  onFailedSync: FailedSync = () => {},
): Vfs {
  const states = rules.map(ruleState);
  const check = (operation: FaultOperation, path: string): void => {
    const rule = hitRule(states, operation, path);
    if (rule !== undefined) throw errnoError(rule.errno, operation, path);
  };
  return {
    ...base,
    open: (path: string, mode: OpenMode): VfsFile => {
      check('open', path);
      return new FaultFile(base.open(path, mode), path, states, onFailedSync);
    },
    rename: (from: string, to: string): void => {
      // Either name may be the one a rule speaks of; the call counts once.
      check('rename', `${from} ${to}`);
      base.rename(from, to);
    },
    remove: (path: string): void => {
      check('remove', path);
      base.remove(path);
    },
    syncDirectory: (path: string): void => {
      check('syncDirectory', path);
      base.syncDirectory(path);
    },
  };
}
