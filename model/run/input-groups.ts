/** Root inputs that move together, in a run of their own. */
export type InputGroup = readonly string[];

/**
 * Groups in the order in which a run tries them: those first that never had a turn, then that whose last turn is the longest
 * ago. A run's turn is what its report says, whatever came of it, so a group that breaks keeps no other one from its turn; a
 * group of which nothing moved had none, and stays ahead of those that had.
 * @param reports of earlier runs of the same instance and repository, newest first
 */
export function groupsInTurn(
  groups: readonly InputGroup[],
  reports: readonly { readonly inputGroup?: InputGroup }[],
): readonly InputGroup[] {
  const turns = reports.map(({ inputGroup = [] }) => spelled(inputGroup));
  const runsAgo = (group: InputGroup): number => {
    const found = turns.indexOf(spelled(group));
    return found < 0 ? Infinity : found;
  };
  // Sorting is stable: groups without a turn stay as the owner ordered them.
  return [...groups].sort((one, other) => (runsAgo(one) === runsAgo(other) ? 0 : runsAgo(other) - runsAgo(one)));
}

const spelled = (group: InputGroup): string => [...group].sort().join('\n');

/** The first input that two groups name; `null` when each is in one of them. */
export function inputOfTwoGroups(groups: readonly InputGroup[]): string | null {
  const names = groups.flatMap((group) => [...new Set(group)]);
  return names.find((name, index) => names.indexOf(name) !== index) ?? null;
}
