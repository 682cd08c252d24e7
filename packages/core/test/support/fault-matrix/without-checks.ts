/**
 * Imported first: the costly checks of the engine read every page after each checkpoint, so most
 * calls would be theirs and not those of the engine that users run.
 */
delete process.env['MANIFOLD_CHECKS'];
