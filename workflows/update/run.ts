import { CancellationScope } from '@temporalio/workflow';
import type { AgentRights } from '../../model/autofix/sandbox.js';
import { secretFilesOf } from '../../model/notify/index.js';
import type { RunOptions } from '../../model/run/options.js';
import type { VerifySetting } from '../../model/verify/verification.js';
import type { Gate } from './approval.js';
import type { Holds } from './hold-back-requests.js';
import type { RunState } from './run-state.js';

/** What the steps of one run share. */
export interface Run {
  readonly options: RunOptions;
  readonly state: RunState;
  readonly gate: Gate;
  readonly holds: Holds;
  /** Workflow id. */
  readonly id: string;
  readonly startTime: Date;
  /** Machines that hold records and GC roots of this run. */
  readonly machines: Set<string>;
}

/** Who signs a run's commits, and when: the same for each repetition, so that a repeated commit has the same hash. */
export const stamp = ({ options, id, startTime }: Run) => ({
  run: id,
  author: options.author,
  committer: options.committer,
  date: Math.floor(startTime.getTime() / 1000),
});

/** What all verifications of a run share. */
export const verifySetting = ({ id, options }: Run): VerifySetting => {
  const { repository, nix, takeoverSeconds, builderWaitSeconds } = options;
  const rights = agentRights(options);
  return { run: id, repository, nix, takeoverSeconds, builderWaitSeconds, ...(rights && { agentRights: rights }) };
};

/** What agents of a run may; `null` where none is asked. */
function agentRights(options: RunOptions): AgentRights | null {
  const agent = options.autofix ?? null;
  if (agent === null) return null;
  const files = [agent.envFile, ...secretFiles(options)].filter((file) => file !== null);
  const { network = 'outside', nixDaemon = false, limits } = agent;
  return { network, nixDaemon, secretFiles: files, ...(limits === undefined ? {} : { limits }) };
}

/** Files with secrets beside those that the agent and the repository name. */
export const secretFiles = ({ nix, notify }: RunOptions): readonly string[] => [
  ...(nix.accessTokensFile === undefined ? [] : [nix.accessTokensFile]),
  ...secretFilesOf(notify),
];

/** Runs some things side by side; when one fails the others are cancelled and waited for, so that nothing is left running. */
export const together = <T extends readonly unknown[]>(
  ...work: { readonly [K in keyof T]: () => Promise<T[K]> }
): Promise<T> =>
  CancellationScope.cancellable(async () => {
    const all = work.map((start) => start());
    try {
      return (await Promise.all(all)) as unknown as T;
    } catch (error) {
      CancellationScope.current().cancel();
      await Promise.allSettled(all);
      throw error;
    }
  });
