import type { WorkflowExecutionDescription } from '@temporalio/client';

/** Ids of the open workflows that work for one, of these types. */
export const childrenIn = (
  { raw }: WorkflowExecutionDescription,
  ...types: readonly ('verifyCandidate' | 'holdBack' | 'fixTarget')[]
): readonly string[] =>
  (raw.pendingChildren ?? [])
    .filter(({ workflowTypeName }) => types.some((type) => type === workflowTypeName))
    .map(({ workflowId }) => workflowId ?? '');
