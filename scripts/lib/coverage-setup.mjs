/** In each test file of `npm run coverage`: vitest may kill the process, which writes nothing. */
import { takeCoverage } from 'node:v8';
import { afterAll } from 'vitest';

afterAll(() => takeCoverage());
