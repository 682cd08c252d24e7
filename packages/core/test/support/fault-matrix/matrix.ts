/** The cases of the fault matrix: what is counted in a run without faults, times every fault. */
import type { CommitMode } from '@manifold-db/core';
import { MODES } from '../modes.js';
import { isWriteFault } from './expected.js';
import { SCENARIOS, runFaultCase, type Scenario } from './fault-case.js';
import { ERRNOS, WRITE_FAULTS, faultText, parseFault, type Fault } from './site-vfs.js';

const GOLDEN_RATIO = 0.618_033_988_749_895;

export interface MatrixCase {
  readonly mode: CommitMode;
  readonly scenario: Scenario;
  readonly fault: Fault;
}

export interface Matrix {
  readonly cases: readonly MatrixCase[];
  /** Call sites, in all scenarios and modes together. */
  readonly sites: number;
  readonly calls: number;
  readonly problems: readonly string[];
}

/** Every call × every fault that can happen there × once or sticky. */
export async function wholeMatrix(seed: number): Promise<Matrix> {
  const cases: MatrixCase[] = [];
  const sites = new Set<string>();
  const problems: string[] = [];
  let calls = 0;
  for (const mode of MODES) {
    for (const scenario of SCENARIOS) {
      const sound = await runFaultCase(mode, scenario, undefined, seed);
      problems.push(...sound.problems.map((text) => `${mode} ${scenario}: ${text}`));
      for (const [site, count] of sound.calls) {
        sites.add(site);
        calls += count;
        for (const fault of faultsOf(site, count)) cases.push({ mode, scenario, fault });
      }
    }
  }
  return { cases, sites: sites.size, calls, problems };
}

function faultsOf(site: string, count: number): Fault[] {
  const faults: Fault[] = [];
  for (const kind of [...ERRNOS, ...WRITE_FAULTS]) {
    if (isWriteFault(kind) && !site.startsWith('write ')) continue;
    // Names were just made in it; `open` takes that answer as: not ours to sync.
    if (kind === 'EROFS' && site === 'syncDirectory parent') continue;
    for (const isSticky of [false, true]) {
      for (let after = 0; after < count; after++) faults.push({ site, after, kind, isSticky });
    }
  }
  return faults;
}

/** Sites take turns, so that those of many calls do not crowd out the others. */
export function sample(cases: readonly MatrixCase[], count: number): MatrixCase[] {
  const bySite = new Map<string, MatrixCase[]>();
  for (const one of cases) {
    const group = bySite.get(one.fault.site) ?? [];
    group.push(one);
    bySite.set(one.fault.site, group);
  }
  const chosen = new Set<MatrixCase>();
  const most = Math.min(count, cases.length);
  for (let step = 1; chosen.size < most; step++) {
    for (const group of bySite.values()) {
      // A golden-ratio walk is evenly spread at every length.
      chosen.add(group[Math.floor(((step * GOLDEN_RATIO) % 1) * group.length)]!);
      if (chosen.size === most) break;
    }
  }
  return [...chosen];
}

export function caseText({ mode, scenario, fault }: MatrixCase): string {
  return `${mode} ${scenario} ${faultText(fault)}`;
}

export function parseCase(text: string): MatrixCase {
  const [mode, scenario, ...rest] = text.split(' ');
  return {
    mode: mode as CommitMode,
    scenario: scenario as Scenario,
    fault: parseFault(rest.join(' ')),
  };
}
