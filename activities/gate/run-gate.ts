import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { uptime } from 'node:os';
import path from 'node:path';
import type { GateActivities } from '../../model/contract/activities.js';
import type { BuildHeartbeat, GateInput } from '../../model/contract/verification.js';
import { recordDirectory } from '../../model/machine/record-directory.js';
import { formatSeconds } from '../../model/text/text.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { readIfThere, writeWhole } from '../../host/files.js';
import { timeLimit } from '../../host/time-limit.js';
import type { ActivityEnvironment } from '../environment.js';
import { installBundle } from '../git/install-commit.js';
import { removeTree } from '../files/remove-tree.js';
import { fetchingEnvironment } from '../nix/access-tokens.js';
import { isDistrusted } from '../nix/distrust.js';
import { enclosedFiles } from '../sandbox/enclose.js';
import { Unusable } from '../sandbox/unusable.js';
import { follow } from '../supervised/follow.js';
import { endOrphanedBuilders } from '../supervised/orphaned-builders.js';
import { openRecord, readIdentity, type CommandRecord, type CommandStatus } from '../supervised/record.js';
import { endCommand } from '../supervised/session.js';
import { withStartLock } from '../supervised/start-lock.js';
import { startSupervised } from '../supervised/start.js';
import { forgetEnd, observe, wallSeconds } from '../supervised/state.js';
import { followToVerdict, type Report } from '../supervised/while-following.js';
import { distrustedProcess, distrustedPlace, makeDistrustedTree } from './distrusted-gate.js';
import { findProgram, gateCommand, notFound } from './gate-command.js';
import { changedFiles, changedFilesOf, makeGateTree } from './gate-tree.js';
import { changedFinding, failedFinding, gateVerdict, hasGivenUp, PASSED, type GateFinding } from './gate-verdict.js';

interface GateRun {
  readonly env: ActivityEnvironment;
  readonly input: GateInput;
  readonly record: CommandRecord;
  readonly mirror: string;
  /** Whether the command may run in a sandbox alone: it runs what an agent wrote, and no person has approved that. */
  readonly distrusted: boolean;
  /** The candidate's files. */
  readonly tree: string;
  /** Folder of the flake in them. */
  readonly directory: string;
  readonly words: readonly string[];
}

interface NotStarted {
  /** As a sentence without its end. */
  readonly why: string;
  readonly needsApproval: boolean;
}

/**
 * Makes the activity that runs a gate's command. The command belongs to its record, as a build does: it outlives its
 * worker, a repeat follows it while it runs and judges it when it has ended, and a verdict is given again as it was. One of
 * which nothing is left begins again in a fresh work tree. What runs past its time is ended, with all its processes.
 *
 * On a candidate that holds an agent's change the command runs in an agent's sandbox; where there can be none, a person is to
 * approve the candidate first.
 * @throws retryable `NixFault` when the machine or the network failed, and what `installBundle` throws
 */
export const createRunGate =
  (env: ActivityEnvironment): GateActivities['runGate'] =>
  (input) => {
    const { run, candidate, gate, nix, repository } = input;
    const folder = recordDirectory(env.state, run, candidate.head, gate);
    const { tree, home, temporary } = distrustedPlace(folder);
    return followToVerdict(env, {
      open: () => openRecord(folder, { run, namespace: activityInfo().namespace, head: candidate.head, target: gate }),
      follow: async (record, report) => {
        const directory = path.join(tree, repository.dir);
        const words = gateCommand(gate.check, nix);
        const mirror = await installBundle(env, input);
        const distrusted = await isDistrusted(mirror, input);
        const found = await judge({ env, input, record, mirror, distrusted, tree, directory, words }, report);
        // A command that could not be started may be there the next time.
        if (found.verdict !== 'skipped') await writeWhole(record.verdict, JSON.stringify(found));
        return found;
      },
      tidy: async () => {
        for (const each of [tree, home, temporary]) await removeTree(each);
      },
    });
  };

async function judge(run: GateRun, report: Report<BuildHeartbeat>): Promise<Verdict> {
  const { env, input, record } = run;
  report({ phase: 'building', logPath: record.log });
  for (;;) {
    cancellationSignal().throwIfAborted();
    const notStarted = await start(run);
    if (notStarted !== null) return await gateVerdict(env, input, null, skipped(run, notStarted));
    const end = await followInTime(run, report);
    if (end === 'timed-out') {
      const { timeoutSeconds } = input.gate;
      const error = `did not finish within ${formatSeconds(timeoutSeconds)}`;
      return await gateVerdict(env, input, record, { verdict: 'timed-out', error, seconds: timeoutSeconds });
    }
    if (end?.kind !== 'exit') continue;
    const unusable = run.distrusted ? await readIfThere(enclosedFiles(record.directory).unusable) : null;
    if (unusable !== null) {
      await forgetEnd(record);
      return await gateVerdict(env, input, null, skipped(run, { why: unusable, needsApproval: true }));
    }
    const found = await findingOf(run, end.code);
    return await gateVerdict(env, input, record, { ...found, seconds: (await wallSeconds(record, end)) ?? 0 });
  }
}

const skipped = ({ env }: GateRun, { why, needsApproval }: NotStarted): GateFinding & { readonly seconds: number } =>
  needsApproval
    ? {
        verdict: 'skipped',
        error: `did not run on ${env.hostName}, because the update holds an agent's change, and ${why}`,
        needsApproval,
        seconds: 0,
      }
    : {
        verdict: 'skipped',
        error: `could not run on ${env.hostName}: ${why}. Install it there, or leave the gate out`,
        seconds: 0,
      };

/** Makes sure that the command runs or has ended by itself. @returns why it cannot be started; `null` when it was */
async function start(run: GateRun): Promise<NotStarted | null> {
  const { input, record, mirror, distrusted, tree, directory, words } = run;
  return await withStartLock(record.directory, async () => {
    const state = await observe(record);
    if (state.kind === 'running' || (state.kind === 'ended' && state.status.kind === 'exit')) return null;
    await forgetEnd(record);
    await endOrphanedBuilders(record);
    if (distrusted) await makeDistrustedTree(record.directory, mirror, input.candidate.head);
    else await makeGateTree(mirror, input.candidate.head, tree);
    const variables = await fetchingEnvironment(input.nix);
    const [command = '', ...args] = words;
    const program = await findProgram(command, directory, variables.PATH ?? '');
    if (program === null) return { why: notFound(command), needsApproval: false };
    try {
      await startSupervised(record, {
        what: 'gate',
        ...(distrusted
          ? await distrustedProcess({ ...run, folder: record.directory, command: [program, ...args] })
          : { command: words, env: variables, directory }),
        leaseSeconds: input.takeoverSeconds,
      });
      return null;
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      return { why: error.message, needsApproval: true };
    }
  });
}

/** Follows the command to its end, or to the end of its time; `null` when it is lost and has to be started again. */
async function followInTime(
  { input, record }: GateRun,
  report: Report<BuildHeartbeat>,
): Promise<CommandStatus | 'timed-out' | null> {
  const begun = (await readIdentity(record))?.uptime ?? uptime();
  const left = Math.max(0, input.gate.timeoutSeconds - (uptime() - begun));
  const limit = timeLimit(Math.ceil(left * 1000));
  try {
    return await follow(record, {
      leaseSeconds: input.takeoverSeconds,
      signal: AbortSignal.any([cancellationSignal(), limit]),
      onProgress: ({ bytes, lastLines }, startedAt) => {
        report({ startedAt, logBytes: bytes, lastLines });
      },
    });
  } catch (error) {
    if (!limit.aborted || cancellationSignal().aborted) throw error;
    const state = await observe(record);
    if (state.kind === 'ended' && state.status.kind === 'exit') return state.status;
    await endCommand(record);
    return 'timed-out';
  }
}

async function findingOf(run: GateRun, code: number): Promise<GateFinding> {
  const { input, record, mirror, distrusted, tree, words } = run;
  if (code === 0 && !(await hasGivenUp(input.gate.check, record))) {
    const changed = distrusted
      ? await changedFilesOf(mirror, input.candidate.head, tree, record.log)
      : await changedFiles(tree, record.log);
    return changed.length === 0 ? PASSED : changedFinding(changed);
  }
  try {
    return await failedFinding(record, words, code, activityInfo().attempt);
  } catch (error) {
    // The next attempt runs it again.
    await forgetEnd(record);
    throw error;
  }
}
