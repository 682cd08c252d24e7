/**
 * What the project's own packages, tests and benchmark need of the engine beyond the public API:
 * other file systems, other hosts, the measured costs of the stages, the removal of a database. Not
 * covered by any promise.
 */
export { openWith, type OpenEnvironment } from './open.js';
export { ManifoldDatabase } from './database.js';
export { removeDatabaseFiles } from './remove.js';
export type { Host, HostTimer } from './supervise/host.js';
