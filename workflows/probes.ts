import type { Candidate } from '../model/candidate.js';
import type { Probe, RoundAnswer } from '../model/hold-back/blame.js';
import type { ProbeAnswer } from '../model/hold-back/search.js';
import type { ProbeKnowledge } from '../model/verify.js';
import { targetLabel } from '../model/verdict.js';
import type { Verdict, VerdictKind } from '../model/verdict.js';
import { coordinator } from './activities.js';
import { stamp } from './run.js';
import type { Run } from './run.js';
import { semaphore } from './semaphore.js';
import { verifyProbe } from './verification.js';

/** Probes that are made side by side: each may carry a bundle, and what one workflow task schedules has a limit. */
const AT_ONCE = 4;

/** Derivations that a probe is told of, in each child: some 100 bytes each. */
const KNOWN_DERIVATIONS = 1000;

export interface Probes {
  readonly make: (round: readonly Probe[]) => Promise<void>;
  readonly answer: RoundAnswer;
}

/**
 * Makes probes of a broken candidate, and remembers what they gave.
 * @param broken the candidate's verdicts that are to be explained
 */
export function openProbes(run: Run, candidate: Candidate, broken: readonly Verdict[]): Probes {
  const slot = semaphore(AT_ONCE);
  const targets = broken.map(({ target }) => target);
  const answers = new Map<Probe, ReadonlyMap<string, ProbeAnswer>>();
  let knowledge: ProbeKnowledge = learn({ derivations: [], base: [] }, broken);

  const make = async (probe: Probe): Promise<void> => {
    const wanted = targets.filter((target) => probe.targets.includes(targetLabel(target)));
    const verdicts = await verifyProbe(run, probe.number, {
      candidate: await candidateOf(run, candidate, probe),
      targets: wanted,
      knowledge,
    });
    knowledge = learn(knowledge, verdicts);
    if (probe.number === 0) {
      const base = verdicts.map(({ target, verdict }) => ({ name: targetLabel(target), verdict }));
      knowledge = { ...knowledge, base: base.filter(({ verdict }) => verdict !== 'skipped') };
    }
    answers.set(probe, new Map(verdicts.map(({ target, verdict }) => [targetLabel(target), ANSWERS[verdict]])));
  };
  return {
    make: async (round) => {
      await Promise.all(round.map((probe) => slot(() => make(probe))));
    },
    answer: (probe, target) => answers.get(probe)?.get(target) ?? 'unknown',
  };
}

/** A target that nobody could build tells nothing. */
const ANSWERS: Readonly<Record<VerdictKind, ProbeAnswer>> = {
  built: 'holds',
  'evaluation-failed': 'breaks',
  'build-failed': 'breaks',
  'timed-out': 'breaks',
  skipped: 'unknown',
};

async function candidateOf(run: Run, { base, head, bundle }: Candidate, { move }: Probe): Promise<Candidate> {
  const onBase: Candidate = { base, head: base, bundle: '' };
  if (move.length === 0) return onBase;
  const lock = await coordinator(`probe: move ${move.join(', ')}`).composeCandidate({
    repository: run.options.repository,
    candidate: { base, head, bundle },
    move,
    ...stamp(run),
  });
  return lock.kind === 'unchanged' ? onBase : lock.draft;
}

function learn(before: ProbeKnowledge, verdicts: readonly Verdict[]): ProbeKnowledge {
  const learnt = verdicts.flatMap(({ drvPath, verdict }) =>
    drvPath === null || verdict === 'skipped' ? [] : [{ drvPath, verdict }],
  );
  return { ...before, derivations: [...before.derivations, ...learnt].slice(-KNOWN_DERIVATIONS) };
}
