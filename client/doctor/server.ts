import { COORDINATOR_QUEUE, EVALUATE_QUEUE } from '../../model/run/queues.js';
import { messageOf } from '../../model/text/message-of.js';
import { plural } from '../../model/report/words.js';
import { openExistingSession, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { livePollers, standsStill } from '../../host/pollers.js';
import { failingTask, missingWorker, retryProblem, stepProblem, workflowTaskProblem } from '../server/problems.js';
import { listWatchers } from '../schedules/watchers.js';
import { listOpenRuns } from '../runs/runs.js';
import { statOf } from '../../host/processes.js';
import { StateUnwritable } from '../../host/state-directory.js';
import { unattendedRuns } from '../runs/unattended.js';
import { runningWorker } from '../server/worker.js';
import { checkAsking } from './asking.js';
import { checkChannels } from './channels.js';
import { fail, ok, warn, type Finding } from './finding.js';
import { suggest } from '../terminal/suggest.js';

export async function checkServer(context: CommandContext): Promise<readonly Finding[]> {
  let session: Session | null;
  try {
    session = await openExistingSession(context, 'doctor');
  } catch (error) {
    const wayOut =
      error instanceof StateUnwritable
        ? 'the embedded server cannot be started before that'
        : 'start it, or unset TEMPORAL_ADDRESS to use the embedded one';
    return [fail('server', messageOf(error), wayOut)];
  }
  if (session === null) return [ok('server', 'embedded; it is started when it is needed')];
  try {
    return [
      ...(await checkNamespace(session)),
      ...(await checkAsking(session, context)),
      ...(await checkQueues(session, context)),
      ...(await checkRuns(session)),
      ...(await checkWatchers(session)),
      ...(await checkChannels(session)),
    ];
  } catch (error) {
    return [fail('server', `${session.address}: ${messageOf(error)}`, 'look at its log, and start it again')];
  } finally {
    await session.close();
  }
}

async function checkNamespace(session: Session): Promise<readonly Finding[]> {
  const { address, namespace, embedded } = session;
  const where = `${embedded ? 'embedded' : 'configured'}, ${address}, namespace ${namespace}`;
  try {
    const { config } = await session.client.withDeadline(Date.now() + 4000, () =>
      session.client.workflowService.describeNamespace({ namespace }),
    );
    const seconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
    const kept =
      seconds > 0
        ? `by the server, ${retentionWords(seconds)} after their end`
        : 'by the server, which does not say how long';
    return [ok('server', where), ok('kept: closed runs', kept)];
  } catch (error) {
    const wayOut = `make it: temporal operator namespace create --address ${address} -n ${namespace}`;
    return [fail('server', `${where}: ${messageOf(error)}`, wayOut)];
  }
}

const retentionWords = (seconds: number): string => {
  const hours = Math.round(seconds / 3600);
  return hours % 24 === 0 ? plural(hours / 24, 'day') : plural(hours, 'hour');
};

async function checkQueues(session: Session, context: CommandContext): Promise<readonly Finding[]> {
  const [coordinators, evaluators, worker] = await Promise.all([
    livePollers(session, COORDINATOR_QUEUE),
    livePollers(session, EVALUATE_QUEUE, 'activity'),
    runningWorker(context.state),
  ]);
  const queue = (name: string, count: number): Finding => {
    if (count > 0) return ok(`queue ${name}`, `${count} ${count === 1 ? 'worker polls' : 'workers poll'} it`);
    const found = 'no worker polls it';
    // `update` brings its own worker when the server is the embedded one.
    return session.embedded
      ? ok(`queue ${name}`, `${found}; update starts one`)
      : warn(`queue ${name}`, found, `start one with "${suggest('worker')}"`);
  };
  return [
    queue(COORDINATOR_QUEUE, coordinators.length),
    queue(EVALUATE_QUEUE, evaluators.length),
    worker === null
      ? ok('worker here', 'none runs')
      : (await statOf(worker.pid))?.isStopped === true
        ? fail('worker here', ...standsStill(worker.pid))
        : ok(
            'worker here',
            `pid ${worker.pid}, ${worker.roles.join(' and ')}, ${worker.systems.length === 0 ? 'builds for no system' : worker.systems.join(', ')}, ${worker.slots} build slots${worker.userQueue == null ? '' : `, for runs of ${worker.userQueue} alone`}`,
          ),
  ];
}

/** Open runs that nobody works on, and those whose workflow task keeps failing, which nothing else shows. */
async function checkRuns(session: Session): Promise<readonly Finding[]> {
  const open = await listOpenRuns(session);
  const unattended = await unattendedRuns(session, open);
  const problems = await Promise.all(
    open.slice(0, 50).map(async ({ workflowId }) => {
      const { raw } = await session.client.workflow.getHandle(workflowId).describe();
      const problem = await workflowTaskProblem(session, workflowId, raw).catch(() => null);
      const wayOut = `see "${suggest('status', workflowId)}"`;
      if (problem !== null) return [fail(`run ${workflowId}`, problem, wayOut)];
      const step = await stepProblem(session, raw).catch(() => null);
      return step === null ? [] : [warn(`run ${workflowId}`, step, wayOut)];
    }),
  );
  const found = [...problems.flat(), ...unattended.map(({ found: what, wayOut }) => warn('runs', what, wayOut))];
  return found.length > 0 ? found : [ok('runs', `${open.length} open, none is stuck`)];
}

/** Watchers of main branches that do not get on: nobody else says so while nothing is pushed. */
async function checkWatchers(session: Session): Promise<readonly Finding[]> {
  const watchers = await listWatchers(session);
  const found = await Promise.all(
    watchers.map(async ({ workflowId, instance, taskQueue, trouble, paused }): Promise<readonly Finding[]> => {
      const name = `watcher ${instance}`;
      const { raw } = await session.client.workflow.getHandle(workflowId).describe();
      const missing = await missingWorker(session, taskQueue);
      if (missing !== null) return [warn(name, missing.found, missing.wayOut)];
      const task = await failingTask(session, workflowId, raw);
      if (task !== null)
        return [
          fail(
            name,
            `its ${task}: "${suggest('apply')}" after ending it begins it anew`,
            `temporal workflow terminate --address ${session.address} --namespace ${session.namespace} -w ${workflowId}`,
          ),
        ];
      const words = (await retryProblem(raw.pendingActivities ?? [])) ?? trouble;
      if (words !== null)
        return [warn(name, words, `it looks again; now: "${suggest('schedules trigger', instance)}"`)];
      return paused === null ? [] : [ok(name, paused.startsWith('paused') ? paused : `paused: ${paused}`)];
    }),
  );
  const trouble = found.flat();
  return watchers.length === 0 || trouble.length > 0 ? trouble : [ok('watchers', `${watchers.length}, none is stuck`)];
}
