import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { TypedSearchAttributes } from '@temporalio/common';
import { REFUSED_MEMO } from '../../model/run/proof.js';

/** Where a listed run stands: the outcome of a closed one where it is known, else what the server says. */
export const runState = ({
  status,
  memo,
  typedSearchAttributes,
}: Pick<WorkflowExecutionInfo, 'status' | 'memo' | 'typedSearchAttributes'>): string =>
  stateOf(
    status.name,
    typeof memo?.[REFUSED_MEMO] === 'string' ? 'refused' : attribute(typedSearchAttributes, 'LockkeeperOutcome'),
    attribute(typedSearchAttributes, 'LockkeeperWaiting'),
  );

/** Whether an open run waits for a person: the server knows, also while nobody can answer for the run itself. */
export function waitsForApproval({
  typedSearchAttributes,
}: Pick<WorkflowExecutionInfo, 'typedSearchAttributes'>): boolean {
  return attribute(typedSearchAttributes, 'LockkeeperWaiting') === 'approval';
}

const attribute = (attributes: TypedSearchAttributes, name: string): string | null => {
  const value = attributes.getAll().find(({ key }) => key.name === name)?.value;
  return typeof value === 'string' && value !== '' ? value : null;
};

function stateOf(status: string, outcome: string | null, waiting: string | null): string {
  if (status !== 'RUNNING') return outcome ?? (status === 'COMPLETED' ? 'closed' : status.toLowerCase());
  return waiting !== null && waiting !== 'no' ? `waiting for ${waiting}` : 'running';
}
