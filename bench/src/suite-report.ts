/** The report that all suites with engines side by side give. */
import type { Settings } from './arguments.js';
import type { Machine } from './machine.js';
import { ratiosOf, ratiosText, type Comparison } from './ratios.js';
import type { Report, Skipped } from './report.js';
import type { Measured } from './rounds.js';
import { rowOf, rowsText } from './rows.js';

export interface SuiteResult {
  readonly settings: Settings;
  readonly machine: Machine;
  readonly skipped: readonly Skipped[];
  readonly measured: readonly Measured[];
  readonly comparisons: readonly Comparison[];
}

function skippedText(skipped: readonly Skipped[]): string {
  return skipped.map(({ engine, why }) => `skipped ${engine}: ${why}\n`).join('');
}

export function reportOf(result: SuiteResult): Report {
  const { settings, machine, skipped, measured, comparisons } = result;
  const ratios = ratiosOf(measured, comparisons);
  const { openOptions } = settings;
  const runs = measured.map(rowOf);
  return {
    json: { machine, openOptions, skipped, runs, ratios },
    text: rowsText(measured) + ratiosText(ratios) + skippedText(skipped),
  };
}
