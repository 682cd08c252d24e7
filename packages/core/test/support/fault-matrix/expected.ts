/** Which errors a fault may lead to: `TRAPS`, part A, as code. */
import { WRITE_FAULTS, type Fault } from './site-vfs.js';

const FAILED = ['ERR_MANIFOLD_POISONED', 'ERR_MANIFOLD_INDETERMINATE'];

function isOutOfSpace({ kind }: Fault): boolean {
  return kind === 'ENOSPC' || kind === 'EDQUOT' || kind === 'cut-write';
}

/**
 * No room, noticed where nothing is lost by it: anywhere but in claimed log space, and in writes,
 * not in syncs. Such a fault poisons nothing.
 */
export function isLocalSpace(fault: Fault): boolean {
  const [operation] = fault.site.split(' ');
  if (!isOutOfSpace(fault)) return fault.kind === 'short-write';
  return fault.site !== 'write log' && (operation === 'write' || operation === 'truncate');
}

/** Of commits, checkpoints and waits. */
export function commitCodes(fault: Fault): ReadonlySet<string> {
  if (fault.kind === 'short-write') return new Set();
  if (isLocalSpace(fault)) return new Set(['ERR_MANIFOLD_FULL']);
  const codes = [...FAILED];
  // A build that has to read or write pages fails alone.
  if (/^(read|write|open|size) data$/.test(fault.site)) codes.push('ERR_MANIFOLD_IO');
  if (isOutOfSpace(fault)) codes.push('ERR_MANIFOLD_FULL');
  return new Set(codes);
}

/** Of `open`, `close`, `backup` and `verify`: what the operating system said, as a typed error. */
export function openCodes(fault: Fault): ReadonlySet<string> {
  if (fault.kind === 'short-write') return new Set();
  if (isLocalSpace(fault)) return new Set(['ERR_MANIFOLD_FULL']);
  const codes = [...FAILED];
  if (isOutOfSpace(fault)) codes.push('ERR_MANIFOLD_FULL');
  else if (fault.kind === 'EROFS') codes.push('ERR_MANIFOLD_READONLY');
  // What a read says of room is nonsense, and no more than an error of the disk.
  if (!isOutOfSpace(fault) || fault.site.startsWith('read ')) codes.push('ERR_MANIFOLD_IO');
  return new Set(codes);
}

export function isWriteFault(kind: Fault['kind']): boolean {
  return (WRITE_FAULTS as readonly string[]).includes(kind);
}
