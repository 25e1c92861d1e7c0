/** The workflows as a version may have them that knows no `verifyCandidate`. */
export { holdRepository, updateFlake } from '../../workflows/index.js';
