import type { Candidate } from '../model/candidate.js';
import { blame } from '../model/hold-back/blame.js';
import { findings } from '../model/hold-back/findings.js';
import type { Findings } from '../model/hold-back/findings.js';
import type { InputGroup } from '../model/hold-back/search.js';
import { probeWords } from '../model/hold-back/words.js';
import type { HeldBackInput } from '../model/report.js';
import { targetLabel } from '../model/verdict.js';
import type { Verdict } from '../model/verdict.js';
import { coordinator } from './activities.js';
import type { Update } from './commit-update.js';
import { openProbes } from './probes.js';
import { stamp } from './run.js';
import type { Run } from './run.js';

/** An update that broke something: its candidate, and the targets in question. */
export interface BrokenUpdate {
  readonly candidate: Candidate;
  readonly update: Update;
  readonly broken: readonly Verdict[];
  /** Whether it is worth the while when only some of the targets are helped: the others are dealt with otherwise. */
  readonly partlyWanted: boolean;
}

/**
 * Finds the inputs to blame, and gives the update without them: the smallest set is kept at base's revision, and everything
 * else moves. `null` when that helps nobody, or not all who need help; the run's state then says why.
 */
export async function holdBack(run: Run, about: BrokenUpdate): Promise<Update | null> {
  const { state } = run;
  state.phase('holding-back');
  const { heldBack, brokenOnBase, notHeldBack } = await findCulprits(run, about);
  state.set({ doing: null });
  state.brokenOnBase = [...state.brokenOnBase, ...brokenOnBase];
  state.notHeldBack = notHeldBack;
  if (heldBack.length === 0 || (notHeldBack.length > 0 && !about.partlyWanted)) return null;
  return await keepBack(run, about, heldBack);
}

async function findCulprits(run: Run, { candidate, update, broken }: BrokenUpdate): Promise<Findings> {
  const { options, state } = run;
  const { never, probeBudget } = options.holdBack ?? { never: [], probeBudget: 0 };
  const groups = await coordinator('see which inputs move only together').groupInputs({
    repository: options.repository,
    candidate,
    moved: movedNames(update),
  });
  // What nobody could build tells nothing about inputs, and what is the same on base is broken there.
  const asked = broken.filter(({ verdict, sameAsBase }) => verdict !== 'skipped' && sameAsBase !== true);
  const probes = openProbes(run, candidate, asked);
  const search = blame({ targets: asked.map(({ target }) => targetLabel(target)), groups, never, budget: probeBudget });
  let step = search.next(probes.answer);
  while (step.done !== true) {
    state.set({ doing: probeWords(step.value, probeBudget) });
    await probes.make(step.value);
    step = search.next(probes.answer);
  }
  return findings({ broken, groups, never, results: step.value });
}

/** The update with some inputs where they are on base. Nothing is fetched: the revisions tested are the revisions landed. */
async function keepBack(
  run: Run,
  { candidate, update }: BrokenUpdate,
  heldBack: readonly HeldBackInput[],
): Promise<Update | null> {
  const held = heldBack.map(({ input }) => input);
  const move = movedNames(update).filter((name) => !held.includes(name));
  const lock = await coordinator(`keep ${held.join(', ')} back`).composeCandidate({
    repository: run.options.repository,
    candidate,
    move,
    ...stamp(run),
  });
  if (lock.kind === 'unchanged') return null;
  return { ...update, lock, heldBack: [...update.heldBack, ...heldBack] };
}

/** The first inputs are kept back least: most security fixes come with nixpkgs. */
const movedNames = ({ lock }: Update): InputGroup => {
  const names = lock.moved.map(({ name }) => name);
  return [...names.filter((name) => name === 'nixpkgs'), ...names.filter((name) => name !== 'nixpkgs')];
};
