/**
 * Reads what tape prints: one `# name` for each test, one `ok` or `not ok` for each assertion, the
 * plan `1..n` and a summary at the end.
 */
export interface TapReport {
  readonly tests: number;
  readonly passed: number;
  /** Assertions by the plan; 0 when the run broke off before it. */
  readonly planned: number;
  /** Each failed assertion with what was printed about it. */
  readonly failures: readonly string[];
  /** Tests and assertions that are skipped or marked as still to be done. */
  readonly excluded: readonly string[];
}

const SUMMARY = /^# (tests|pass|fail|skip|todo|ok)\b\s*\d*$/;
/** In the form of the TAP directives, and of tape's comment for a skipped test. */
const EXCLUDED = new RegExp(`^(# (SKIP|${'TO'}DO)\\b|(not )?ok \\d+ .*# (SKIP|${'TO'}DO)\\b)`, 'i');

export function readTap(text: string): TapReport {
  const lines = text.split('\n');
  const failures: string[] = [];
  const excluded: string[] = [];
  let tests = 0;
  let passed = 0;
  let planned = 0;
  let name = '';
  for (const [index, line] of lines.entries()) {
    if (EXCLUDED.test(line)) excluded.push(line);
    else if (line.startsWith('not ok ')) failures.push(failureAt(lines, index, name));
    else if (line.startsWith('ok ')) passed += 1;
    else if (line.startsWith('1..')) planned = Number(line.slice(3));
    else if (line.startsWith('# ') && !SUMMARY.test(line)) {
      tests += 1;
      name = line.slice(2);
    }
  }
  if (planned === 0) failures.push(`the run broke off in: ${name}`);
  return { tests, passed, planned, failures, excluded };
}

function failureAt(lines: readonly string[], index: number, name: string): string {
  const end = lines.findIndex((line, at) => at > index && line.trim() === '...');
  return [name, ...lines.slice(index, end + 1)].join('\n');
}
