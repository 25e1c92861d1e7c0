import { coordinator } from '../calls/coordinator.js';
import { goOnWithout } from '../calls/unneeded.js';
import type { Update } from './commit-update.js';
import type { Run } from './run.js';

/** Nothing needs the commits of inputs so much that they are asked for a third time. */
const TRIES = 2;

/** Looks up the commits of inputs that an update moves. What is known already is not looked up again. */
export async function learnCommits(
  { options, state }: Run,
  { moved, draft }: Pick<Update['lock'], 'moved' | 'draft'>,
): Promise<void> {
  const { commits } = state.facts();
  const isKnown = moved.every(
    ({ name, from, to }) =>
      from === null ||
      to === null ||
      commits.some((each) => each.name === name && each.from === from.revision && each.to === to.revision),
  );
  if (isKnown) return;
  try {
    const { readCommits } = coordinator('read the commits of inputs', TRIES);
    const { repository, nix } = options;
    state.learn({ commits: await readCommits({ repository, candidate: draft, nix }) });
  } catch (error) {
    goOnWithout('the commits of inputs', error);
  }
}
