/**
 * The command line as a library: for tests, and for programs that read the same input formats.
 */
export type { Context } from './context.js';
export { Output } from './output.js';
export { runManifold } from './program.js';
