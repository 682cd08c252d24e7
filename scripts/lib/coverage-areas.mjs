/**
 * What `npm run coverage` looks at: the areas whose branches must be covered, and the tests that
 * have to cover them.
 */

/** Share of the branches of an area that must be taken. */
export const SHARE_MIN = 0.95;

/** Folders and files of each area; `index.ts`, tests and their helpers aside. */
export const AREAS = {
  log: ['packages/storage/src/log/', 'packages/storage/src/log-files/', 'packages/wal-worker/src/'],
  ring: ['packages/storage/src/ring/'],
  'page manager': [
    'packages/storage/src/pages/',
    'packages/storage/src/checkpoint/page-bitmap.ts',
    'packages/storage/src/checkpoint/free-map-file.ts',
    'packages/storage/src/checkpoint/file-end.ts',
    'packages/apply-worker/src/retire/',
    'packages/apply-worker/src/checkpoint/',
    'packages/apply-worker/src/page-account.ts',
  ],
  recovery: [
    'packages/core/src/recovery/',
    'packages/storage/src/checkpoint/load.ts',
    'packages/storage/src/checkpoint/create.ts',
  ],
};

/**
 * Parts of the paths of the tests: what works on files, memory and threads, and is done soon. Left
 * out is what takes long and no branch that these do not take.
 */
export const TESTS = [
  'packages/storage/src/checkpoint/',
  'packages/storage/src/log-files/',
  'packages/storage/src/log/',
  'packages/storage/src/pages/',
  'packages/storage/src/ring/',
  'packages/storage/src/tree/',
  'packages/storage/test/ring-threads',
  'packages/wal-worker/',
  'packages/apply-worker/',
  'packages/core/src/recovery/',
  'packages/core/test/api-large-values',
  'packages/core/test/api-log-sizes',
  'packages/core/test/api-larger-than-cache',
  'packages/core/test/api-open',
  'packages/core/test/api-read-only',
  'packages/core/test/fault-build',
  'packages/core/test/fault-checkpoint',
  'packages/core/test/fault-lock',
  'packages/core/test/fault-log',
  'packages/core/test/fault-reads',
  'packages/core/test/fault-space',
  'packages/core/test/proof-mutants',
  'packages/core/test/recovery-',
  'packages/core/test/trace',
];

const HELPER = /(^|\/)(index|test-[^/]*|[^/]*\.test)\.ts$/;

/** The area of a file of `src`, or `undefined`. */
export function areaOf(path) {
  if (HELPER.test(path)) return undefined;
  const isIn = (place) => path === place || (place.endsWith('/') && path.startsWith(place));
  return Object.keys(AREAS).find((area) => AREAS[area].some(isIn));
}
