/**
 * Fuzzing: log and page decoders with real content changed and its checksums in order again, whole
 * logs and data files of that kind, and the arguments of the public API. Each input does what it
 * should, or ends in the error that the contract names. A case is `<area> <number>`. The formats of
 * the command line: `packages/cli/test/proof-fuzz-cli.test.ts`.
 */
import './support/fault-matrix/without-checks.js';
import { describe } from 'vitest';
import { API } from './support/fuzz/fuzz-api.js';
import { DECODERS } from './support/fuzz/fuzz-decoders.js';
import { LOGS } from './support/fuzz/fuzz-log.js';
import { PAGES } from './support/fuzz/fuzz-pages.js';
import { fuzz } from './support/fuzz/run-areas.js';
import { proof } from './support/proof.js';

const AREAS = [DECODERS, LOGS, PAGES, API];

describe('inputs by chance', () => {
  proof({ name: 'fuzz', unit: 'inputs', small: 300_000, large: 5_000_000 }, (run) =>
    fuzz(run, AREAS),
  );
});
