import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { uptime } from 'node:os';
import path from 'node:path';
import type { GateActivities, GateInput } from '../../model/activities.js';
import { formatSeconds } from '../../model/text.js';
import type { Verdict } from '../../model/verdict.js';
import { writeWhole } from '../atomic-file.js';
import type { ActivityEnvironment } from '../environment.js';
import { installBundle } from '../git/install-commit.js';
import { buildSeconds, forgetEnd, observeBuild, startSupervised } from '../nix/build/build.js';
import { ownRecord, readIdentity, type BuildRecord, type BuildStatus } from '../nix/build/build-record.js';
import { endBuild } from '../nix/build/build-session.js';
import { followBuild } from '../nix/build/follow-build.js';
import { endOrphanedBuilders } from '../nix/build/orphaned-builders.js';
import { withStartLock } from '../nix/build/start-lock.js';
import { removeTree } from '../remove-tree.js';
import { whileFollowing, type TellProgress } from '../nix/build/while-following.js';
import { fetchingEnvironment } from '../nix/access-tokens.js';
import { recordDirectory } from '../nix/record-directory.js';
import { gateCommand, whyNotStarted } from './gate-command.js';
import { changedFiles, makeGateTree } from './gate-tree.js';
import { changedFinding, failedFinding, gateVerdict, hasGivenUp, PASSED, type GateFinding } from './gate-verdict.js';

/** One gate of one candidate on this machine. */
interface GateRun {
  readonly env: ActivityEnvironment;
  readonly input: GateInput;
  readonly record: BuildRecord;
  /** The candidate's files. */
  readonly tree: string;
  /** Folder of the flake in them. */
  readonly directory: string;
  readonly words: readonly string[];
}

/**
 * Makes the activity that runs a gate's command. The command belongs to its record, as a build does: it outlives its
 * worker, a repeat follows it while it runs and judges it when it has ended, and a verdict is given again as it was. One of
 * which nothing is left begins again in a fresh work tree. What runs past its time is ended, with all its processes.
 * @throws retryable `NixFault` when the machine or the network failed, and what `installBundle` throws
 */
export const createRunGate =
  (env: ActivityEnvironment): GateActivities['runGate'] =>
  async (input) => {
    const { run, candidate, gate, nix, repository } = input;
    const folder = recordDirectory(env.state, run, candidate.head, gate);
    const tree = path.join(folder, 'tree');
    const verdict = await whileFollowing(
      env,
      () => ownRecord(folder, { run, namespace: activityInfo().namespace, head: candidate.head, target: gate }),
      async (record, report) => {
        const directory = path.join(tree, repository.dir);
        const words = gateCommand(gate.check, nix);
        const found = await judge({ env, input, record, tree, directory, words }, report);
        // A command that could not be started may be there the next time.
        if (found.verdict !== 'skipped') await writeWhole(record.verdict, JSON.stringify(found));
        return found;
      },
    );
    // Also when the verdict was there: who wrote it may have died here.
    await removeTree(tree);
    return verdict;
  };

async function judge(run: GateRun, report: TellProgress): Promise<Verdict> {
  const { env, input, record } = run;
  report({ phase: 'building', logPath: record.log });
  for (;;) {
    cancellationSignal().throwIfAborted();
    const missing = await start(run);
    if (missing !== null) {
      const error = `could not run on ${env.hostName}: ${missing}. Install it there, or leave the gate out`;
      return await gateVerdict(env, input, null, { verdict: 'skipped', error, seconds: 0 });
    }
    const end = await follow(run, report);
    if (end === 'timed-out') {
      const { timeoutSeconds } = input.gate;
      const error = `was not through after ${formatSeconds(timeoutSeconds)}`;
      return await gateVerdict(env, input, record, { verdict: 'timed-out', error, seconds: timeoutSeconds });
    }
    if (end?.kind !== 'exit') continue;
    const found = await findingOf(run, end.code);
    return await gateVerdict(env, input, record, { ...found, seconds: (await buildSeconds(record, end)) ?? 0 });
  }
}

/**
 * Makes sure that the command runs or has ended by itself.
 * @returns why it cannot be started; `null` when it was
 */
async function start({ env, input, record, tree, directory, words }: GateRun): Promise<string | null> {
  return await withStartLock(record.directory, async () => {
    const state = await observeBuild(record);
    if (state.kind === 'running' || (state.kind === 'ended' && state.status.kind === 'exit')) return null;
    await forgetEnd(record);
    await endOrphanedBuilders(record);
    const mirror = await installBundle(env, input);
    await makeGateTree(mirror, input.candidate.head, tree);
    const variables = await fetchingEnvironment(input.nix);
    const missing = await whyNotStarted(words[0] ?? '', directory, variables.PATH ?? '');
    if (missing !== null) return missing;
    await startSupervised(record, {
      what: 'gate',
      command: words,
      env: variables,
      directory,
      leaseSeconds: input.takeoverSeconds,
    });
    return null;
  });
}

/** Follows the command to its end, or to the end of its time; `null` when it is lost and has to be started again. */
async function follow({ input, record }: GateRun, report: TellProgress): Promise<BuildStatus | 'timed-out' | null> {
  const begun = (await readIdentity(record))?.uptime ?? uptime();
  const left = Math.max(0, input.gate.timeoutSeconds - (uptime() - begun));
  const limit = AbortSignal.timeout(Math.ceil(left * 1000));
  try {
    return await followBuild(record, {
      leaseSeconds: input.takeoverSeconds,
      signal: AbortSignal.any([cancellationSignal(), limit]),
      onProgress: ({ bytes, lastLines }, startedAt) => {
        report({ startedAt, logBytes: bytes, lastLines });
      },
    });
  } catch (error) {
    if (!limit.aborted || cancellationSignal().aborted) throw error;
    const state = await observeBuild(record);
    if (state.kind === 'ended' && state.status.kind === 'exit') return state.status;
    await endBuild(record);
    return 'timed-out';
  }
}

async function findingOf({ input, record, tree, words }: GateRun, code: number): Promise<GateFinding> {
  if (code === 0 && !(await hasGivenUp(input.gate.check, record))) {
    const changed = await changedFiles(tree, record.log);
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
