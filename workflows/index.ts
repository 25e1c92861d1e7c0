/** The workflows that a coordinator serves; what is exported here is what the bundle holds. */
export { fixTarget } from './fix-target.js';
export { holdBack } from './hold-back.js';
export { holdRepository } from './hold-repository.js';
export { planCandidate } from './plan-candidate.js';
export { readRunLog } from './read-run-log.js';
export { recordInstance } from './record-instance.js';
export { updateFlake } from './update-flake.js';
export { verifyCandidate } from './verify-candidate.js';
export { watchChannels } from './watch-channels.js';
export { watchInstances } from './watch-instances.js';
export { watchRepository } from './watch-repository.js';
