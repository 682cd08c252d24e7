/**
 * The model check: the protocols between the threads, and with the disk, as Promela models in
 * `model/`, searched exhaustively by SPIN. The sound models must hold in every configuration; with
 * a bug put in, of the original or of our own, each must give a counter-example of the kind that is
 * the bug's. A second test keeps the models' names those of the code.
 */
import { describe, expect, it } from 'vitest';
import { nameProblems } from './support/model/names.js';
import { proveModels } from './support/model/prove.js';
import { TOOLS_MISSING, findTools } from './support/model/tools.js';
import { proof } from './support/proof.js';

const tools = findTools();
if (tools === undefined) process.stdout.write(`proof model: ${TOOLS_MISSING}\n`);

describe.skipIf(tools === undefined)(tools === undefined ? TOOLS_MISSING : 'with SPIN', () => {
  proof({ name: 'model', unit: 'states stored', small: 3e6, large: 3e7 }, (run) =>
    proveModels(run, tools!),
  );
});

it('the names of the models are names of the code', () => {
  expect(nameProblems()).toEqual([]);
});
