/**
 * Reads, compares and composes `flake.lock` files, without I/O. Inputs are always named by their path from the root, never
 * by the names of nodes, which mean something else in every file.
 */
export { composeLock } from './compose.js';
export { movedInputs } from './diff.js';
export { parseFlakeLock } from './parse.js';
export { repointedInputs } from './repointed.js';
export { serialiseLock } from './serialise.js';
export { FlakeLockError } from './types.js';
export type { FlakeLock } from './types.js';
export { nodeOfInput, rootInputs } from './walk.js';
