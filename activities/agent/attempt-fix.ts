import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { passingFailure } from '../../model/run/failures.js';
import type { AgentActivities } from '../../model/contract/activities.js';
import type { AttemptHeartbeat, AttemptInput, AttemptResult } from '../../model/autofix/attempt.js';
import { recordDirectory } from '../../model/machine/record-directory.js';
import { formatSeconds } from '../../model/text/text.js';
import { hasFields, makeFolder, readJson, writeWhole } from '../../host/files.js';
import type { ActivityEnvironment } from '../environment.js';
import { removeTree } from '../files/remove-tree.js';
import { installBundle } from '../git/install-commit.js';
import { follow } from '../supervised/follow.js';
import { openRecord, recordAt, type CommandRecord, type CommandStatus } from '../supervised/record.js';
import { withStartLock } from '../supervised/start-lock.js';
import { startSupervised } from '../supervised/start.js';
import { forgetEnd, observe, wallSeconds } from '../supervised/state.js';
import { whileFollowing, type Report } from '../supervised/while-following.js';
import { makeOwnTree } from '../sandbox/own-tree.js';
import { plainVariables } from '../sandbox/variables.js';
import { hiddenFiles } from '../sandbox/hidden.js';
import { endLeftovers } from '../sandbox/leftovers.js';
import { agentPlace, readEnd, type AgentEnd, type AgentOrder } from './order.js';
import { giveToAgent } from '../sandbox/sandbox.js';
import { takeChange, type Change } from './take-change.js';

const OUTPUT_BYTES = 16 * 1024 * 1024;
const PROCESS = fileURLToPath(new URL('agent-process.js', import.meta.url));

interface Attempt {
  readonly input: AttemptInput;
  readonly record: CommandRecord;
  readonly report: Report<AttemptHeartbeat>;
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
  (input) => {
    const { run, candidate, target } = input;
    const folder = `${recordDirectory(env.state, run, candidate.head, target)}-fix-${input.attempt}`;
    const { tree, home, temporary, result } = agentPlace(folder);
    return whileFollowing<AttemptHeartbeat, AttemptResult>({
      open: () => openRecord(folder, { run, namespace: activityInfo().namespace, head: candidate.head, target }),
      firstBeat: firstBeat(env, recordAt(folder)),
      known: () => readJson(result, hasFields<AttemptResult>('kind', 'files', 'seconds')),
      follow: async (record, report) => {
        const attempt: Attempt = { input, record, report };
        const concluded = await conclude(env, attempt, await runAgent(env, attempt));
        await writeWhole(result, JSON.stringify(concluded));
        return concluded;
      },
      endMore: () => endLeftovers(folder),
      tidy: async () => {
        for (const each of [tree, home, temporary]) await removeTree(each);
      },
    });
  };

/** Starts the agent, unless it runs or has ended, and follows it to its end. */
async function runAgent(env: ActivityEnvironment, attempt: Attempt): Promise<readonly [AgentEnd, CommandStatus]> {
  const { input, record, report } = attempt;
  const place = agentPlace(record.directory);
  for (;;) {
    cancellationSignal().throwIfAborted();
    await withStartLock(record.directory, async () => {
      const { kind } = await observe(record);
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
    const status = await follow(record, {
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
      throw passingFailure(
        'SupervisorFailed',
        `The process that runs the agent ended with status ${status.code}, and the agent with it. See ${record.log}`,
      );
  }
}

/** Everything that the agent's process needs, as at the beginning of the attempt. */
async function prepare(env: ActivityEnvironment, input: AttemptInput, record: CommandRecord): Promise<void> {
  const { repository, agent, prompt } = input;
  const place = agentPlace(record.directory);
  const mirror = await installBundle(env, input);
  await rm(place.end, { force: true });
  for (const folder of [place.home, place.temporary]) {
    await removeTree(folder);
    await makeFolder(folder);
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
    network: agent.network,
    nixDaemon: agent.nixDaemon,
    ...(agent.limits === undefined ? {} : { limits: agent.limits }),
  };
  await writeWhole(place.order, JSON.stringify(order));
  await giveToAgent([place.tree, place.home, place.temporary]);
}

async function conclude(
  env: ActivityEnvironment,
  { input, record, report }: Attempt,
  [end, status]: readonly [AgentEnd, CommandStatus],
): Promise<AttemptResult> {
  report({ phase: 'judging' });
  const change = await changeOf(env, input, record, end);
  return {
    ...change,
    seconds: Math.round(((await wallSeconds(record, status)) ?? 0) * 10) / 10,
    machine: env.machine,
    logPath: record.log,
    sandboxed: end.sandboxed,
  };
}

async function changeOf(
  env: ActivityEnvironment,
  input: AttemptInput,
  record: CommandRecord,
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
        reason: `did not finish within ${formatSeconds(input.agent.timeoutSeconds)}`,
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

const firstBeat = (env: ActivityEnvironment, record: CommandRecord): AttemptHeartbeat => ({
  machine: env.machine,
  hostName: env.hostName,
  phase: 'preparing',
  startedAt: new Date(activityInfo().currentAttemptScheduledTimestampMs).toISOString(),
  logPath: record.log,
  lastLines: [],
});
