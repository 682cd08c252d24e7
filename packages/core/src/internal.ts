/**
 * What the project's own tests and benchmark need of the engine beyond the public API: other file
 * systems, other hosts, the measured costs of the stages. Not covered by any promise.
 */
export { openWith, type OpenEnvironment } from './open.js';
export { ManifoldDatabase } from './database.js';
export type { Host, HostTimer } from './supervise/host.js';
