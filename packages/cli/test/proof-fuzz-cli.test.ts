/**
 * Fuzzing of what the command line reads: input formats of `load` and `dump`, keys and values in
 * their encodings, flags. A case is `<area> <number>`. The rest: core's `proof-fuzz.test.ts`.
 */
import { describe } from 'vitest';
import { fuzz } from '../../core/test/support/fuzz/run-areas.js';
import { proof } from '../../core/test/support/proof.js';
import { ARGUMENTS, COMMAND_LINES } from './fuzz/fuzz-command-line.js';
import { INPUT_FORMATS } from './fuzz/fuzz-formats.js';

const AREAS = [ARGUMENTS, INPUT_FORMATS, COMMAND_LINES];

describe('inputs of the command line by chance', () => {
  proof({ name: 'fuzz-cli', unit: 'inputs', small: 30_000, large: 500_000 }, (run) =>
    fuzz(run, AREAS),
  );
});
