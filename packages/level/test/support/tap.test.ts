/** The reader of tape's output finds what a suite must not have. */
import { expect, it } from 'vitest';
import { readTap } from './tap.js';

const SUMMARY = ['', '1..2', '# tests 2', '# pass  2', '', '# ok', ''];

it('counts tests and assertions', () => {
  const report = readTap(
    ['TAP version 13', '# a', 'ok 1 x', '# b', 'ok 2 y', ...SUMMARY].join('\n'),
  );
  expect(report).toEqual({ tests: 2, passed: 2, planned: 2, failures: [], excluded: [] });
});

it('shows a failure with its test', () => {
  const lines = [
    '# a',
    'ok 1 x',
    'not ok 2 y',
    '  ---',
    '    operator: equal',
    '  ...',
    ...SUMMARY,
  ];
  const { failures, passed } = readTap(lines.join('\n'));
  expect(failures).toEqual(['a\nnot ok 2 y\n  ---\n    operator: equal\n  ...']);
  expect(passed).toBe(1);
});

it('takes a run that broke off for a failure', () => {
  expect(readTap('# a\nok 1 x\n').failures).toEqual(['the run broke off in: a']);
});

it('finds what is skipped or still to be done', () => {
  const undone = ['# SKIP a', `# ${'TO'}DO b`, 'ok 1 c # SKIP', `not ok 2 d # ${'TO'}DO`];
  expect(readTap([...undone, ...SUMMARY].join('\n')).excluded).toEqual(undone);
});
