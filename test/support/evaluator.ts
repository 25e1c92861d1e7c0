import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { ActivityEnvironment } from '../../activities/environment.js';
import { commitFile } from '../../activities/git/commit.js';
import { fetchMirror } from '../../activities/git/mirror.js';
import { lookAhead } from '../../activities/nix/closure/derivations-apart.js';
import { createCompareWithBase, createEvaluateTarget } from '../../activities/nix/evaluate/evaluate-target.js';
import { createLockActivities } from '../../activities/nix/evaluation.js';
import type { LockUpdate, UpdateLockInput } from '../../model/contract/lock.js';
import type {
  BaseComparison,
  EvaluateTargetInput,
  ListTargetsInput,
  TargetList,
} from '../../model/contract/verification.js';
import type { CommitsOfInput } from '../../model/flake-lock/commits.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { NixSettings, Repository } from '../../model/run/options.js';
import type { Evaluation } from '../../model/verify/verdict.js';
import { createFleet, type Fleet, type FleetOptions } from './fleet.js';
import { git } from './git.js';
import { activityEnvironment, repositoryAt } from './repository.js';

export const PLAIN_NIX: NixSettings = { options: [], impure: false, acceptFlakeConfig: false };

const WHO = {
  author: { name: 'A', email: 'a@example.org' },
  committer: { name: 'C', email: 'c@example.org' },
  date: 1_790_000_000,
};

/** One environment an activity. The SDK would warn of each activity that fails, which is what half of these tests are about. */
const activity = (attempt = 1): MockActivityEnvironment =>
  new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') });

/** A fleet, and the activities that list, update and evaluate it, as a worker would run them. */
export interface Evaluator {
  readonly fleet: Fleet;
  readonly env: ActivityEnvironment;
  readonly repository: Repository;
  /** The commit that the remote's main is at. */
  readonly main: () => Promise<string>;
  readonly list: (change?: Partial<ListTargetsInput>) => Promise<TargetList>;
  readonly update: (change?: Partial<UpdateLockInput>, attempt?: number) => Promise<LockUpdate>;
  /** The commits of the inputs that a candidate moves. */
  readonly commits: (candidate: Candidate) => Promise<readonly CommitsOfInput[]>;
  /** A candidate that writes one file on top of main. */
  readonly candidate: (file: string, content: string) => Promise<Candidate>;
  /** At its n-th attempt. */
  readonly evaluate: (
    candidate: Candidate,
    host: string,
    change?: Partial<EvaluateTargetInput>,
    attempt?: number,
  ) => Promise<Evaluation>;
  /** What `compareWithBase` says of a target that evaluates, at its n-th attempt. */
  readonly same: (candidate: Candidate, host: string, attempt?: number) => Promise<boolean | null>;
  /** As `evaluate`, but gives the environment, so that it can be cancelled and its heartbeats be heard. */
  readonly start: (
    candidate: Candidate,
    host: string,
  ) => { readonly evaluation: Promise<Evaluation>; readonly environment: MockActivityEnvironment };
}

export async function withEvaluator(
  options: FleetOptions,
  work: (evaluator: Evaluator) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-evaluator-'));
  const fleet = await createFleet(options);
  try {
    await work(createEvaluator(fleet, activityEnvironment(root), options.dir ?? ''));
  } finally {
    await fleet.cleanup();
    await rm(root, { recursive: true, force: true });
  }
}

function createEvaluator(fleet: Fleet, env: ActivityEnvironment, dir: string): Evaluator {
  const repository = repositoryAt(fleet.remote, { checkout: fleet.checkout, dir });
  const { listTargets, updateLock, readCommits } = createLockActivities(env);
  const evaluateTarget = createEvaluateTarget(env);
  const compareWithBase = createCompareWithBase(env, lookAhead);
  const main = (): Promise<string> => git(fleet.remote, 'rev-parse', 'main');
  const inputOf = (candidate: Candidate, host: string): EvaluateTargetInput => ({
    repository,
    candidate,
    target: { kind: 'nixos', name: host },
    nix: PLAIN_NIX,
    run: 'run-1',
  });
  const start: Evaluator['start'] = (candidate, host) => {
    const environment = activity();
    const evaluation: Promise<Evaluation> = environment.run(evaluateTarget, inputOf(candidate, host));
    return { evaluation, environment };
  };
  return {
    fleet,
    env,
    repository,
    main,
    start,
    async list(change) {
      const input = { repository, base: await main(), hosts: 'all' as const, exclude: null, nix: PLAIN_NIX, ...change };
      return activity().run(listTargets, input);
    },
    async update(change, attempt = 1) {
      const input: UpdateLockInput = {
        repository,
        base: await main(),
        inputs: 'all',
        nix: PLAIN_NIX,
        run: 'run-1',
        ...WHO,
        ...change,
      };
      return activity(attempt).run(updateLock, input);
    },
    commits: (candidate) => activity().run(readCommits, { repository, candidate, nix: PLAIN_NIX }),
    async candidate(file, content) {
      await fetchMirror(env, repository);
      return commitFile(env, { repository, parent: await main(), path: file, content, message: 'Draft\n', ...WHO });
    },
    async same(candidate, host, attempt = 1) {
      const input = inputOf(candidate, host);
      const evaluation: Evaluation = await activity().run(evaluateTarget, input);
      if (evaluation.kind === 'failed') throw new Error(evaluation.verdict.logTail ?? 'failed');
      const compared: BaseComparison = await activity(attempt).run(compareWithBase, {
        ...input,
        drvPath: evaluation.drvPath,
      });
      return compared.same;
    },
    evaluate: (candidate, host, change, attempt) =>
      activity(attempt).run(evaluateTarget, { ...inputOf(candidate, host), ...change }),
  };
}
