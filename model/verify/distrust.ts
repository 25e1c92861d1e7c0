import type { AgentRights } from '../sandbox/sandbox.js';

export interface Distrust {
  /** What agents of the run may; missing where none is asked, and in older runs, where it is as little as can be. */
  readonly agentRights?: AgentRights;
  /** Whether a person approved the candidate, which is then treated as any other one. */
  readonly approved?: true;
}

/** What an activity is told of how it may treat an agent's change. */
export const distrustOf = ({ agentRights, approved }: Distrust): Distrust => ({
  ...(agentRights === undefined ? {} : { agentRights }),
  ...(approved === undefined ? {} : { approved }),
});
