import type { Distrust } from '../../model/contract/activities.js';

/** What an activity is told of how it may treat an agent's change. */
export const distrustOf = ({ agentRights, approved }: Distrust): Distrust => ({
  ...(agentRights === undefined ? {} : { agentRights }),
  ...(approved === undefined ? {} : { approved }),
});
