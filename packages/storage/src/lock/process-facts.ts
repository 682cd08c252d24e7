/**
 * What can be known about this process and others on the machine, as far as a lock file needs it.
 * Tests pass their own.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { errnoOf } from '../errors.js';

export interface ProcessFacts {
  readonly pid: number;
  /** Name of the pid namespace; `undefined` where there are none. */
  readonly pidNamespace: string | undefined;
  /** Changes with every start of the machine; `undefined` where unknown. */
  readonly bootId: string | undefined;
  /** When this process started, in units of the system; `undefined` where unknown. */
  readonly startTime: string | undefined;
  readonly host: string;
  /** Whether a process of this namespace lives. */
  isAlive(pid: number): boolean;
  /** When a living process started; `undefined` where unknown. */
  startTimeOf(pid: number): string | undefined;
}

/** Positions in /proc/<pid>/stat, counted behind the command name in parentheses. */
const STAT_STATE = 0;
const STAT_START_TIME = 19;
const DEAD_STATES = ['Z', 'X', 'x'];

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Fields of /proc/<pid>/stat; the command name may itself hold spaces and parentheses. */
function statFields(pid: number): string[] | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function linuxPidNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return errnoOf(error) !== 'ESRCH';
  }
  // A killed process that its parent has not yet waited for holds no files any more.
  const state = statFields(pid)?.[STAT_STATE];
  return state === undefined || !DEAD_STATES.includes(state);
}

function startTimeOf(pid: number): string | undefined {
  return statFields(pid)?.[STAT_START_TIME];
}

/** The facts about this process; fields that only Linux tells are `undefined` elsewhere. */
export function readProcessFacts(): ProcessFacts {
  const isLinux = process.platform === 'linux';
  return {
    pid: process.pid,
    pidNamespace: isLinux ? linuxPidNamespace() : undefined,
    bootId: isLinux ? readText('/proc/sys/kernel/random/boot_id') : undefined,
    startTime: isLinux ? startTimeOf(process.pid) : undefined,
    host: hostname(),
    isAlive,
    startTimeOf: isLinux ? startTimeOf : (): undefined => undefined,
  };
}
