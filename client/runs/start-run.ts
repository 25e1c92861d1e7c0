import { setTimeout as sleep } from 'node:timers/promises';
import { runId } from '../../model/run/ids.js';
import { OPTIONS_FORMAT } from '../../model/run/known-options.js';
import { startDetails } from '../../model/progress/markdown.js';
import { COORDINATOR_QUEUE, queueOf } from '../../model/run/queues.js';
import type { RunOptions } from '../../model/run/options.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { withStartLock } from '../server/start-lock.js';
import type { Session } from '../server/connection.js';
import { CommandError } from '../errors.js';
import { findHolder, holderOf, type Holder } from './holder.js';
import { optionsSummary } from '../options/options-summary.js';
import { sameUpdateDigest, wasAskedEarlier } from '../options/same-update.js';
import { suggest } from '../terminal/suggest.js';

/** A run that was started, or found: it does this very update already. */
export interface Started {
  readonly run: string;
  readonly isNew: boolean;
}

/** Attaches to the run of this update, or starts one after `prepare`. @throws CommandError if another update runs */
export const startOrAttach = (
  state: StateDirectory,
  session: Session,
  options: RunOptions,
  prepare: () => Promise<void>,
): Promise<Started> =>
  startUnless(
    state,
    async (digest) => sameRun(session, await findHolder(session, options), options, digest),
    session,
    options,
    prepare,
  );

/** Starts a run once `prepare` is through. @param look finds the run to attach to instead; `null` when there is none */
export async function startUnless(
  state: StateDirectory,
  look: (digest: string) => Promise<string | null>,
  session: Session,
  options: RunOptions,
  prepare: () => Promise<void>,
): Promise<Started> {
  const digest = sameUpdateDigest(options);
  const before = await look(digest);
  if (before !== null) return { run: before, isNew: false };
  await prepare();
  // That takes seconds, in which another command may have been quicker: from here on there is one on this machine.
  return await withStartLock(state, options.lockWorkflowId, async () => {
    const meanwhile = await look(digest);
    if (meanwhile !== null) return { run: meanwhile, isNew: false };
    const started = await startAnew(session, options, digest);
    if (started.isNew) await untilListed(() => look(digest));
    return started;
  });
}

async function startAnew(session: Session, options: RunOptions, digest: string): Promise<Started> {
  for (;;) {
    const run = runId(options.instance, options.repository, new Date());
    if (await start(session, run, options)) return { run, isNew: true };
    // Two commands in one second name their run alike, also when the repositories are two of one name.
    const holder = await holderOf(session, run);
    if (holder === null || holder.repositoryLock === options.lockWorkflowId) {
      return { run: (await sameRun(session, holder, options, digest)) ?? run, isNew: false };
    }
    await sleep(1000);
  }
}

/** The run that does this very update already; `null` when the repository is free. Throws when another update holds it. */
async function sameRun(
  session: Session,
  holder: Holder | null,
  options: RunOptions,
  digest: string,
): Promise<string | null> {
  if (holder === null) return null;
  if (holder.optionsDigest === digest || (await wasAskedEarlier(session, holder.run, options))) return holder.run;
  const asked = optionsSummary(options);
  const hint = holder.summary === asked ? ' (they differ in details: author, time zone, credentials or times)' : '';
  throw new CommandError(
    `Another ${wordsOf(options).noun} of ${options.repository.displayUrl} is running, with other options.\n` +
      `  running (${holder.run}): ${holder.summary ?? 'not known'}\n` +
      `  asked for now: ${asked}${hint}\n` +
      `Wait for it ("${suggest('watch', holder.run)}"), or end it ("${suggest('cancel', holder.run)}").`,
  );
}

/** Starts a run; `false` when one of that name runs already. */
async function start(session: Session, run: string, options: RunOptions): Promise<boolean> {
  const { WorkflowExecutionAlreadyStartedError } = await import('@temporalio/client');
  try {
    await session.client.workflow.start('updateFlake', {
      ...startOptions(options),
      workflowId: run,
      staticDetails: startDetails(run),
    });
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return false;
  }
}

export const wordsOf = ({ verifies, compares }: RunOptions): { readonly verb: string; readonly noun: string } =>
  compares !== undefined
    ? { verb: 'compare', noun: 'comparison' }
    : verifies === true
      ? { verb: 'verify', noun: 'verification' }
      : { verb: 'update', noun: 'update' };

/** The queue of a run: that of the account that does it. */
export const runQueue = ({ user }: RunOptions): string => queueOf(COORDINATOR_QUEUE, user ?? null);

/** How a run is started, by a person or by a schedule: its memo is what others find it and know it by. */
export const startOptions = (options: RunOptions) => ({
  taskQueue: runQueue(options),
  args: [{ ...options, format: OPTIONS_FORMAT }] as const,
  memo: {
    optionsDigest: sameUpdateDigest(options),
    optionsSummary: optionsSummary(options),
    instance: options.instance,
    repositoryLock: options.lockWorkflowId,
    repository: options.repository.displayUrl,
  },
  staticSummary: `${wordsOf(options).verb} ${options.repository.displayUrl}`.slice(0, 200),
});

/** Waits until others find the run that was just started: the server lists it a moment later. */
async function untilListed(look: () => Promise<string | null>): Promise<void> {
  const deadline = Date.now() + 2000;
  while (Date.now() < deadline && (await look()) === null) await sleep(20);
}
