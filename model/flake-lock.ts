/**
 * Reads, compares and composes `flake.lock` files, without I/O. Inputs are always named by their path from the root, never
 * by the names of nodes, which mean something else in every file.
 */
export { composeLock } from './flake-lock/compose.js';
export { movedInputs } from './flake-lock/diff.js';
export { parseFlakeLock } from './flake-lock/parse.js';
export { repointedInputs } from './flake-lock/repointed.js';
export { serialiseLock } from './flake-lock/serialise.js';
export { FlakeLockError } from './flake-lock/types.js';
export type { FlakeLock } from './flake-lock/types.js';
export { nodeOfInput, rootInputs } from './flake-lock/walk.js';
