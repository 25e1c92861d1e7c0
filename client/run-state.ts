import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { TypedSearchAttributes } from '@temporalio/common';

/** Where a listed run stands: the outcome of a closed one where it is known, else what the server says. */
export const runState = ({
  status,
  typedSearchAttributes,
}: Pick<WorkflowExecutionInfo, 'status' | 'typedSearchAttributes'>): string =>
  stateOf(
    status.name,
    attribute(typedSearchAttributes, 'LockkeeperOutcome'),
    attribute(typedSearchAttributes, 'LockkeeperWaiting'),
  );

const attribute = (attributes: TypedSearchAttributes, name: string): string | null => {
  const value = attributes.getAll().find(({ key }) => key.name === name)?.value;
  return typeof value === 'string' && value !== '' ? value : null;
};

function stateOf(status: string, outcome: string | null, waiting: string | null): string {
  if (status !== 'RUNNING') return outcome ?? (status === 'COMPLETED' ? 'closed' : status.toLowerCase());
  return waiting !== null && waiting !== 'no' ? `waiting for ${waiting}` : 'running';
}
