import type { Fix } from '../../model/autofix/fix-target.js';
import type { Candidate, MovedInput } from '../../model/verify/candidate.js';
import { targetLabel } from '../../model/targets/index.js';

/**
 * What an approval is about: an update that is carried over with the same revisions and fixes needs no second one. Of more
 * nested inputs than are told with their revisions, the approval is of that one commit.
 */
export const proposalOf = (
  { moved, draft }: { readonly moved: readonly MovedInput[]; readonly draft: Pick<Candidate, 'head'> },
  fixes: readonly Fix[],
): string =>
  JSON.stringify([
    ...moved.map(({ name, to, nested, nestedMoves = [] }) => [
      name,
      to?.revision ?? null,
      nested,
      nestedMoves.map((each) => each.to?.revision ?? null),
      nestedMoves.length > 0 && nestedMoves.length < nested.length ? draft.head : null,
    ]),
    ...fixes.map(({ targets, madeFor }) => [madeFor, ...targets.map(targetLabel)]),
  ]);
