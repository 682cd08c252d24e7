import { expect, it, type TestContext } from 'vitest';
import { runChild, type ChildRun } from './child-run.js';

const LIMIT_MS = 30_000;
const FOR_EVER = 'setInterval(() => {}, 1000);';

function run(context: TestContext, script: string, limitMs = LIMIT_MS): Promise<ChildRun> {
  return runChild(context, { args: ['-e', script], env: process.env, limitMs });
}

it('tells exit codes, signals and children that it ended apart', async (context) => {
  const failed = await run(context, 'console.log("out"); console.error("why"); process.exit(3)');
  expect(failed).toEqual({
    ending: 'exit code 3',
    stdout: 'out\n',
    story: 'exit code 3\nwhy\n',
  });
  const killed = await run(context, `process.kill(process.pid, 'SIGTERM'); ${FOR_EVER}`);
  expect(killed.ending).toBe('signal SIGTERM');
  const late = await run(context, FOR_EVER, 300);
  expect(late.ending).toBe('killed after 300 ms');
});

/** The first of them to pass once killed the children of the others. */
it.concurrent.for([3000, 1500, 1])(
  'children of tests beside each other, %i ms',
  async (ms, context) => {
    const { ending } = await run(context, `setTimeout(() => {}, ${ms})`);
    context.expect(ending).toBe('exit code 0');
  },
);
