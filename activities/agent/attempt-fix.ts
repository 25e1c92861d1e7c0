import { ApplicationFailure, activityInfo, cancellationSignal, cancelled, heartbeat } from '@temporalio/activity';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { AgentActivities } from '../../model/contract/activities.js';
import type { AttemptHeartbeat, AttemptInput, AttemptResult } from '../../model/autofix/attempt.js';
import { formatSeconds } from '../../model/text/text.js';
import { hasFields, readJson, writeWhole } from '../files/atomic-file.js';
import type { ActivityEnvironment } from '../environment.js';
import { removeTree } from '../files/remove-tree.js';
import { confirmAttempt, isUnwanted } from '../server/attempt.js';
import { installBundle } from '../git/install-commit.js';
import { buildSeconds, forgetEnd, observeBuild, startSupervised } from '../nix/build/build.js';
import { ownRecord, releaseRecord } from '../nix/build/build-record.js';
import type { BuildRecord, BuildStatus } from '../nix/build/build-record.js';
import { endBuild } from '../nix/build/build-session.js';
import { followBuild } from '../nix/build/follow-build.js';
import { withStartLock } from '../nix/build/start-lock.js';
import { recordDirectory } from '../nix/record-directory.js';
import { makeOwnTree } from '../sandbox/own-tree.js';
import { plainVariables } from '../sandbox/variables.js';
import { hiddenFiles } from '../sandbox/hidden.js';
import { endLeftovers } from '../sandbox/leftovers.js';
import { agentPlace, readEnd } from './order.js';
import type { AgentEnd, AgentOrder } from './order.js';
import { giveToAgent } from '../sandbox/sandbox.js';
import { takeChange } from './take-change.js';
import type { Change } from './take-change.js';

const HEARTBEAT_MS = 1000;
const OUTPUT_BYTES = 16 * 1024 * 1024;
const PROCESS = fileURLToPath(new URL('agent-process.js', import.meta.url));

/** One attempt on this machine. */
interface Attempt {
  readonly input: AttemptInput;
  readonly record: BuildRecord;
  readonly report: (change: Partial<AttemptHeartbeat>) => void;
  /** Resolves once the server knows that it begins here. */
  readonly confirm: () => Promise<void>;
}

/**
 * Makes the activity that lets an agent work on a broken target. The agent belongs to its record, as a build does: it
 * outlives its worker, and a repetition follows it while it runs, judges what it left when it has ended, and gives the same
 * answer again when that was judged. One of which nothing is left (the machine went down, or nobody followed it for too
 * long) begins again in a fresh folder, as the same attempt. A cancellation that was asked for ends the agent with all its
 * processes, and so does another machine that has taken the attempt over; whatever else ends this activity leaves it alone.
 */
export const createAttemptFix =
  (env: ActivityEnvironment): AgentActivities['attemptFix'] =>
  async (input) => {
    const record = await ownRecord(attemptDirectory(env, input), {
      run: input.run,
      namespace: activityInfo().namespace,
      head: input.candidate.head,
      target: input.target,
    });
    let beat = firstBeat(env, record);
    const report = (change: Partial<AttemptHeartbeat>): void => {
      beat = { ...beat, ...change };
      heartbeat(beat);
    };
    report({});
    const timer = setInterval(() => {
      heartbeat(beat);
    }, HEARTBEAT_MS);
    try {
      return await answered(env, { input, record, report, confirm: () => confirmAttempt(beat) });
    } finally {
      clearInterval(timer);
    }
  };

const attemptDirectory = (env: ActivityEnvironment, { run, candidate, target, attempt }: AttemptInput): string =>
  `${recordDirectory(env.state, run, candidate.head, target)}-fix-${attempt}`;

async function answered(env: ActivityEnvironment, attempt: Attempt): Promise<AttemptResult> {
  const { record } = attempt;
  const place = agentPlace(record.directory);
  try {
    const known = await readJson(place.result, hasFields<AttemptResult>('kind', 'files', 'seconds'));
    const result = known ?? (await concluded(env, attempt, await runAgent(env, attempt)));
    if (known === null) await writeWhole(place.result, JSON.stringify(result));
    // Who had the answer before may have died here.
    for (const folder of [place.tree, place.home, place.temporary]) await removeTree(folder);
    return result;
  } catch (error) {
    if (!cancellationSignal().aborted) throw error;
    if (await isUnwanted(env.machine)) {
      await endBuild(record);
      await endLeftovers(record.directory);
      await releaseRecord(record);
    }
    // Rejects: what Temporal is to be told is the cancellation, not the work that it interrupted.
    return await cancelled();
  }
}

/** Starts the agent, unless it runs or has ended, and follows it to its end. */
async function runAgent(env: ActivityEnvironment, attempt: Attempt): Promise<readonly [AgentEnd, BuildStatus]> {
  const { input, record, report, confirm } = attempt;
  const place = agentPlace(record.directory);
  await confirm();
  for (;;) {
    cancellationSignal().throwIfAborted();
    await withStartLock(record.directory, async () => {
      const { kind } = await observeBuild(record);
      if (kind === 'running' || (kind === 'ended' && (await readEnd(place)) !== null)) return;
      await forgetEnd(record);
      await endLeftovers(record.directory);
      await prepare(env, input, record);
      await startSupervised(record, {
        what: 'agent',
        command: [process.execPath, PROCESS, record.directory],
        env: { ...plainVariables(), HOME: process.env.HOME },
        leaseSeconds: input.takeoverSeconds,
      });
    });
    report({ phase: 'running' });
    const status = await followBuild(record, {
      leaseSeconds: input.takeoverSeconds,
      signal: cancellationSignal(),
      onProgress: ({ lastLines }, startedAt) => {
        report({ startedAt, lastLines });
      },
    });
    const end = await readEnd(place);
    if (status !== null && end !== null) return [end, status];
    // What runs the agent has failed, as it does on a full disk. It would fail again at once.
    if (status?.kind === 'exit')
      throw ApplicationFailure.retryable(
        `The process that runs the agent ended with status ${status.code}, and the agent with it. See ${record.log}`,
      );
  }
}

/** Everything that the agent's process needs, as at the beginning of the attempt. */
async function prepare(env: ActivityEnvironment, input: AttemptInput, record: BuildRecord): Promise<void> {
  const { repository, agent, prompt } = input;
  const place = agentPlace(record.directory);
  const mirror = await installBundle(env, input);
  await rm(place.end, { force: true });
  for (const folder of [place.home, place.temporary]) {
    await removeTree(folder);
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await makeOwnTree(mirror, input.candidate.head, place.tree);
  await writeFile(place.promptFile, prompt, { mode: 0o600 });
  const order: AgentOrder = {
    command: agent.command,
    args: agent.args,
    prompt,
    envFile: agent.envFile,
    homePaths: agent.homePaths,
    timeoutSeconds: agent.timeoutSeconds,
    outputBytes: OUTPUT_BYTES,
    hidden: hiddenFiles(env, repository, [agent.envFile, ...(input.secretFiles ?? [])]),
    network: agent.network ?? 'outside',
    nixDaemon: agent.nixDaemon ?? false,
    ...(agent.limits === undefined ? {} : { limits: agent.limits }),
  };
  await writeWhole(place.order, JSON.stringify(order));
  await giveToAgent([place.tree, place.home, place.temporary]);
}

async function concluded(
  env: ActivityEnvironment,
  { input, record, report }: Attempt,
  [end, status]: readonly [AgentEnd, BuildStatus],
): Promise<AttemptResult> {
  report({ phase: 'judging' });
  const change = await changeOf(env, input, record, end);
  return {
    ...change,
    seconds: Math.round(((await buildSeconds(record, status)) ?? 0) * 10) / 10,
    machine: env.machine,
    logPath: record.log,
    sandboxed: end.sandboxed,
  };
}

async function changeOf(
  env: ActivityEnvironment,
  input: AttemptInput,
  record: BuildRecord,
  { kind, what }: AgentEnd,
): Promise<Change> {
  const nothing = { candidate: null, files: [], patch: '' };
  switch (kind) {
    case 'unusable':
      return { ...nothing, kind: 'unusable', reason: `could not be started: ${what}` };
    case 'timed-out':
      return {
        ...nothing,
        kind: 'timed-out',
        reason: `was not through after ${formatSeconds(input.agent.timeoutSeconds)}`,
      };
    case 'over-limit':
      return { ...nothing, kind: 'timed-out', reason: what };
    case 'flooded':
      return { ...nothing, kind: 'timed-out', reason: `said more than ${OUTPUT_BYTES / 1024 ** 2} MiB` };
    case 'exit': {
      const change = await takeChange(env, input, agentPlace(record.directory).tree);
      if (change.kind !== 'unchanged' || what === '0') return change;
      return {
        ...change,
        reason: `${change.reason ?? ''} (it ended with ${/^\d/.test(what) ? 'status ' : ''}${what})`,
      };
    }
  }
}

const firstBeat = (env: ActivityEnvironment, record: BuildRecord): AttemptHeartbeat => ({
  machine: env.machine,
  hostName: env.hostName,
  phase: 'preparing',
  startedAt: new Date(activityInfo().currentAttemptScheduledTimestampMs).toISOString(),
  logPath: record.log,
  lastLines: [],
});
