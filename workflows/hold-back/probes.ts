import { candidateOnRemote, type Candidate } from '../../model/verify/candidate.js';
import type { Probe, RoundAnswer } from '../../model/hold-back/blame.js';
import { keepFailures, type ProbeFailure } from '../../model/hold-back/evidence.js';
import type { HoldBackRequest } from '../../model/hold-back/request.js';
import type { ProbeAnswer } from '../../model/hold-back/search.js';
import type { ProbeKnowledge } from '../../model/verify/verification.js';
import { isFlakeTarget, targetLabel } from '../../model/targets/index.js';
import type { VerdictKind } from '../../model/targets/types.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { coordinator } from '../calls/coordinator.js';
import { semaphore } from '../calls/semaphore.js';
import { verifyInChildren } from '../children/in-children.js';

/** Probes that are made side by side: each may carry a bundle, and what one workflow task schedules has a limit. */
const AT_ONCE = 4;

/** Targets' derivations that a probe is told of, in each child: some 100 bytes each. */
const KNOWN_DERIVATIONS = 1000;

/** Failed derivations that it is told of: they go into the input of an activity for each target. */
const KNOWN_FAILURES = 50;

export interface Probes {
  readonly make: (round: readonly Probe[]) => Promise<void>;
  readonly answer: RoundAnswer;
  /** Verdicts of targets that broke, with their logs. */
  readonly failures: () => readonly ProbeFailure[];
  /** Machines that worked for them. */
  readonly machines: ReadonlySet<string>;
}

/** Makes probes of a broken candidate, and remembers what they gave. */
export function openProbes(request: HoldBackRequest): Probes {
  const slot = semaphore(AT_ONCE);
  const targets = request.broken.map(({ target }) => target);
  const machines = new Set<string>();
  let failures: readonly ProbeFailure[] = [];
  const answers = new Map<Probe, ReadonlyMap<string, ProbeAnswer>>();
  let knowledge: ProbeKnowledge = learn({ derivations: [], failed: [], base: [] }, request.broken);

  const make = async (probe: Probe): Promise<void> => {
    const verified = await verifyInChildren(request, {
      label: `probe-${probe.number}`,
      candidate: await candidateOf(request, probe),
      targets: targets.filter((target) => probe.targets.includes(targetLabel(target))),
      probe: knowledge,
    });
    for (const machine of verified.machines) machines.add(machine);
    const { verdicts } = verified;
    knowledge = learn(knowledge, verdicts);
    const broken = verdicts.filter((verdict) => answerOf(verdict) === 'breaks' && verdict.logPath !== null);
    failures = keepFailures(
      failures,
      broken.map((verdict) => ({ move: probe.move, verdict })),
    );
    if (probe.number === 0) {
      const base = verdicts.filter((verdict) => answerOf(verdict) !== 'unknown');
      knowledge = { ...knowledge, base: base.map(({ target, verdict }) => ({ name: targetLabel(target), verdict })) };
    }
    answers.set(probe, new Map(verdicts.map((verdict) => [targetLabel(verdict.target), answerOf(verdict)])));
  };
  return {
    make: async (round) => {
      await Promise.all(round.map((probe) => slot(() => make(probe))));
    },
    answer: (probe, target) => answers.get(probe)?.get(target) ?? 'unknown',
    failures: () => failures,
    machines,
  };
}

const ANSWERS: Readonly<Record<VerdictKind, ProbeAnswer>> = {
  built: 'holds',
  'evaluation-failed': 'breaks',
  'build-failed': 'breaks',
  'timed-out': 'breaks',
  skipped: 'unknown',
};

/** A target that nobody could build, or whose machine failed until the end, tells nothing about inputs. */
export const answerOf = ({ target, verdict, drvPath }: Pick<Verdict, 'target' | 'verdict' | 'drvPath'>): ProbeAnswer =>
  isFlakeTarget(target) && drvPath === null && verdict !== 'evaluation-failed' ? 'unknown' : ANSWERS[verdict];

async function candidateOf(request: HoldBackRequest, { move }: Probe): Promise<Candidate> {
  const { run, repository, candidate, author, committer, date } = request;
  const onBase = candidateOnRemote(candidate.base);
  if (move.length === 0) return onBase;
  const lock = await coordinator(`probe: move ${move.join(', ')}`).composeCandidate({
    run,
    repository,
    candidate,
    move,
    author,
    committer,
    date,
  });
  return lock.kind === 'unchanged' ? onBase : lock.draft;
}

type Learnt = Pick<Verdict, 'verdict' | 'drvPath' | 'failedDrv'>;

function learn(before: ProbeKnowledge, verdicts: readonly Learnt[]): ProbeKnowledge {
  const derivations = verdicts.flatMap(({ drvPath, verdict }) =>
    drvPath === null || verdict === 'skipped' ? [] : [{ drvPath, verdict }],
  );
  const failed = verdicts.flatMap(({ verdict, failedDrv }) =>
    verdict === 'build-failed' && failedDrv !== null ? [failedDrv] : [],
  );
  return {
    ...before,
    derivations: [...before.derivations, ...derivations].slice(-KNOWN_DERIVATIONS),
    failed: [...new Set([...before.failed, ...failed])].slice(0, KNOWN_FAILURES),
  };
}
