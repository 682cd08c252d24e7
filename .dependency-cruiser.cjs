/**
 * The import direction of the repository, checked in every test run:
 * storage <- wal-worker, apply-worker, core <- cli, level <- scripts, bench.
 * Inside core the four stage folders know nothing of each other; only `commit*.ts` sees them all.
 */
const SOURCE = '^packages/[^/]+/src/(?!.*[.]test[.]ts$)';
const STAGES = 'build|append|sync|apply';

function forbid(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to };
}

module.exports = {
  forbidden: [
    forbid(
      'no-cycles',
      'No module needs itself to be loaded. Types alone may refer to each other.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    forbid('resolvable', 'Every import leads to a file.', {}, { couldNotResolve: true }),
    forbid(
      'storage-imports-nothing-of-ours',
      'storage is the lowest layer.',
      { path: '^packages/storage/' },
      { path: '^(packages/(?!storage/)|bench/|scripts/)' },
    ),
    forbid(
      'workers-import-storage-only',
      'Workers know storage, never core nor each other.',
      { path: '^packages/(wal-worker|apply-worker)/' },
      { path: '^(packages/(?!$1/|storage/)|bench/|scripts/)' },
    ),
    forbid(
      'core-imports-storage-only',
      'core names a worker by its URL only.',
      // The simulator of the tests runs the workers' loops in one thread.
      { path: '^packages/core/src/' },
      { path: '^(packages/(?!core/|storage/)|bench/|scripts/)' },
    ),
    forbid(
      'users-import-core-only',
      'cli and level use the public library, as any user does.',
      { path: '^packages/(cli|level)/' },
      { path: '^(packages/(?!$1/|core/)|bench/|scripts/)' },
    ),
    forbid(
      'stages-do-not-import-each-other',
      'A stage talks to the next one through shared memory; commit*.ts wires them.',
      { path: `^packages/core/src/(${STAGES})/` },
      { path: `^packages/core/src/(${STAGES})/`, pathNot: '^packages/core/src/$1/' },
    ),
    forbid(
      'packages-through-their-exports',
      "Another package is reached by its name, not by a path into its 'src'.",
      { path: '^packages/([^/]+)/' },
      { path: '^packages/[^/]+/src/', pathNot: '^packages/$1/' },
    ),
    forbid(
      'no-test-code-in-the-product',
      'Sources import neither tests nor test helpers.',
      { path: SOURCE },
      { path: '[.]test[.]ts$|^packages/[^/]+/test/|^bench/' },
    ),
    forbid(
      'declared-dependencies-only',
      'What a source imports stands in the dependencies of its own package.json.',
      { path: SOURCE },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules|^packages/[^/]+/dist/' },
    exclude: { path: '(^|/)dist/.*[.]map$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
