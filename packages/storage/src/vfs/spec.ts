/**
 * Description of a file system that can be cloned into a worker, and the one place that turns it
 * into a `Vfs`. The simulated disk has no description: it lives in one thread.
 */
import { createFaultVfs, type FaultRule } from './fault.js';
import { createKillVfs, type KillPoint } from './kill.js';
import { createRealVfs } from './real.js';
import { createSlowVfs, type SlowVfsOptions } from './slow.js';
import type { Vfs } from './vfs.js';

export type VfsSpec =
  | { kind: 'real' }
  | ({ kind: 'slow' } & SlowVfsOptions)
  | { kind: 'fault'; rules: FaultRule[] }
  | { kind: 'kill'; point: KillPoint };

export function createVfs(spec: VfsSpec): Vfs {
  switch (spec.kind) {
    case 'real':
      return createRealVfs();
    case 'slow':
      return createSlowVfs(createRealVfs(), spec);
    case 'fault':
      return createFaultVfs(createRealVfs(), spec.rules);
    case 'kill':
      return createKillVfs(createRealVfs(), spec.point);
  }
}
