import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../../model/config/options/index.js';
import { messageOf } from '../../model/text/message-of.js';
import { channelWatchName } from '../../model/run/ids.js';
import { compareNaturally } from '../../model/text/natural-order.js';
import { loadConfiguration, type ConfigFlags } from '../options/config-file.js';
import { openSession } from '../server/connection.js';
import { withRunKey, type CommandContext } from '../context.js';
import { instanceOptions, repositoryFinder } from '../options/instance-options.js';
import type { Paint } from '../../model/report/paint.js';
import { failure, message, paintFor, result, resultJson } from '../terminal/output.js';
import { workerProblem } from '../server/problems.js';
import { applySchedules, type Change } from '../schedules/apply.js';
import { desiredSchedule, ownerOf, type Desired } from '../schedules/desired.js';
import { sideBySide } from '../../host/side-by-side.js';
import { runQueue } from '../runs/start-run.js';
import type { Watch } from '../../model/watch/watch.js';
import { desiredWatch } from '../schedules/watchers.js';
import { channelSchedules, watchSchedules, type ResolvedInstance } from '../schedules/watch.js';
import { suggest } from '../terminal/suggest.js';

export interface ApplyFlags extends ConfigFlags {
  readonly dryRun?: true;
}

/** Checkouts that are looked at side by side. */
const AT_ONCE = 4;

/** How long a worker may take to ask for work when it starts with its machine. */
const WORKER_STARTS_MS = 15_000;

/**
 * `lockkeeper apply`: makes the server's schedules and watchers equal to the configuration. An instance that cannot be resolved keeps the
 * schedule that it has, and does not stop the others.
 */
export async function apply(given: CommandContext, flags: ApplyFlags): Promise<number> {
  const configuration = await loadConfiguration(flags);
  const context = withRunKey(given, configuration.runKeyFile);
  const owner = ownerOf(configuration);
  const enabled = configuration.instances.filter(({ enable }) => enable);
  const find = repositoryFinder();
  const found = await sideBySide(enabled, AT_ONCE, (instance) => resolve(owner, instance, find));
  const resolved = found.filter((each): each is Resolved => 'wanted' in each);
  const unresolved = found.filter((each): each is Failed => 'kind' in each);
  const leave = [
    ...unresolved.map(({ instance }) => instance),
    // What it watches would lack the channels of those that cannot be resolved now. One that is not there yet is made for the others.
    ...enabled
      .filter(
        ({ name, channelAlarmSec }) => channelAlarmSec !== null && unresolved.some((each) => each.instance === name),
      )
      .map(({ user }) => channelWatchName(owner, user)),
  ];
  const wanted = resolved.map((each) => each.wanted);
  const schedules = [
    ...wanted.filter((each): each is Desired => 'scheduleId' in each),
    ...watchSchedules(owner, enabled),
    ...channelSchedules(owner, resolved),
  ];
  const watches = wanted.filter((each): each is Watch => 'digest' in each);
  const session = await openSession(context, 'apply');
  try {
    const configured = configuration.instances.map(({ name }) => name);
    const applied = await applySchedules(
      session,
      { owner, schedules, watches, leave, configured },
      flags.dryRun === true,
    );
    const changes = [...applied, ...unresolved].sort((a, b) => compareNaturally(a.instance, b.instance));
    if (context.json) resultJson(changes);
    else tell(changes, flags.dryRun === true);
    // Without a worker the embedded server ends as well, and schedules start nothing.
    const dev = `start one with "${suggest('worker')}", or keep server and worker up with "${suggest('dev')}"`;
    const patience = workerPatience();
    const queues = [
      ...schedules.map(({ action }) => action.taskQueue),
      ...watches.map(({ options }) => runQueue(options)),
    ];
    for (const queue of new Set(queues)) {
      const problem = await lastingProblem(
        () => workerProblem(session, queue, session.embedded ? dev : null),
        patience,
      );
      if (problem !== null) message(`note: ${problem}.`);
    }
    return changes.some(({ kind }) => kind === 'failed') ? 1 : 0;
  } finally {
    await session.close();
  }
}

/** Until when a worker may still come: one that starts beside this command, as the units of one account do. */
function workerPatience(): number {
  const inService = process.env.INVOCATION_ID !== undefined && !process.stderr.isTTY;
  return Date.now() + (inService ? WORKER_STARTS_MS : 0);
}

/** What is still a problem at the deadline; `null` as soon as it is none. */
async function lastingProblem(find: () => Promise<string | null>, deadline: number): Promise<string | null> {
  let problem = await find();
  while (problem !== null && Date.now() < deadline) {
    await sleep(500);
    problem = await find();
  }
  return problem;
}

type Failed = Extract<Change, { kind: 'failed' }>;

/** An instance whose repository is known, and the schedule or watcher that it is to have. */
interface Resolved extends ResolvedInstance {
  readonly wanted: Desired | Watch;
}

async function resolve(
  owner: string,
  instance: Instance,
  find: ReturnType<typeof repositoryFinder>,
): Promise<Resolved | Failed> {
  try {
    const options = await instanceOptions(instance, find);
    const make = instance.poll === null ? desiredSchedule : desiredWatch;
    return { instance, options, wanted: make(owner, instance, options) };
  } catch (error) {
    return { kind: 'failed', instance: instance.name, reason: messageOf(error) };
  }
}

function tell(changes: readonly Change[], dryRun: boolean): void {
  const paint = paintFor(process.stdout);
  const lines = changes.flatMap((change) => line(change, paint));
  const count = (kind: Change['kind']): number => changes.filter((change) => change.kind === kind).length;
  const counts = (['created', 'updated', 'removed', 'unchanged', 'failed'] as const)
    .filter((kind) => count(kind) > 0)
    .map((kind) => `${count(kind)} ${kind}`);
  const sum = counts.length === 0 ? 'no schedules' : counts.join(', ');
  result([...lines, `${sum}${dryRun ? ' (a dry run: nothing was changed)' : ''}`].join('\n'));
  for (const change of changes) if (change.kind === 'failed') failure(`${change.instance}: ${change.reason}`);
}

function line(change: Change, paint: Paint): readonly string[] {
  switch (change.kind) {
    case 'created':
      return [paint.green(`+ ${change.instance}`)];
    case 'removed':
      return [paint.red(`- ${change.instance}`)];
    case 'updated':
      return [paint.yellow(`~ ${change.instance}: ${change.changed.join(', ')}`)];
    case 'unchanged':
    case 'failed':
      return [];
  }
}
