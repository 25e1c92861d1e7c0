import { setTimeout as sleep } from 'node:timers/promises';
import { normaliseUrl, optionsDigest, runId } from '../../model/ids.js';
import { landingIntent } from '../../model/landing.js';
import { COORDINATOR_QUEUE } from '../../model/queues.js';
import type { RunOptions } from '../../model/run.js';
import { shellQuote } from '../../model/text.js';
import { alone } from '../alone.js';
import { openSession, type Session } from '../connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { followRun } from '../follow-run.js';
import { findHolder, holderOf, type Holder } from '../holder.js';
import { optionsSummary } from '../options-summary.js';
import { message, paintFor } from '../output.js';
import { runOptions } from '../run-options.js';
import type { UpdateFlags } from '../update-flags.js';
import { attendWorker, servedElsewhere } from '../worker.js';
import { typed } from '../typed.js';

/** `lockkeeper update [FLAKE]`: one run of a flake, followed to its end. */
export async function update(context: CommandContext, flake: string, flags: UpdateFlags): Promise<number> {
  // Loading Temporal's client takes a quarter of a second, in which Git answers.
  void import('@temporalio/client');
  const options = await runOptions(flake, flags);
  const session = await openSession(context, 'update');
  try {
    const { run, isNew } = await startOrAttach(session, options, async () => {
      const plan = landingIntent(options, new Date());
      message(`${plan.charAt(0).toUpperCase()}${plan.slice(1)}.`);
      await provideWorker(context, session, options, flags);
    });
    if (!isNew) {
      message(`This update runs already: attached to ${run}.`);
      await provideWorker(context, session, options, flags);
    }
    message(paintFor(process.stderr).dim(`Run ${run}`));
    return await followRun(context, session, run, sameCommand(), flags.strict === true);
  } finally {
    await session.close();
  }
}

/** This very command: run again it attaches, and brings a worker if there is none. */
const sameCommand = (): string => ['lockkeeper', ...process.argv.slice(2).map(shellQuote)].join(' ');

async function provideWorker(
  context: CommandContext,
  session: Session,
  options: RunOptions,
  flags: UpdateFlags,
): Promise<void> {
  if (await servedElsewhere(session, options.repository)) return;
  const slots = { slots: flags.slots ?? null, evaluationSlots: flags.evalSlots ?? null };
  await attendWorker(session, context.state, slots);
}

/** The same update of the same remote is one, whether FLAKE was a checkout or a URL. */
const sameUpdateDigest = (options: RunOptions): string => {
  const { repository } = options;
  return optionsDigest({
    ...options,
    repository: { ...repository, url: normaliseUrl(repository.url), displayUrl: '', checkout: null },
  });
};

/** Finds the run that holds the repository, or starts one once `prepare` is through. */
async function startOrAttach(
  session: Session,
  options: RunOptions,
  prepare: () => Promise<void>,
): Promise<{ readonly run: string; readonly isNew: boolean }> {
  const digest = sameUpdateDigest(options);
  const before = sameRun(await findHolder(session, options), options, digest);
  if (before !== null) return { run: before, isNew: false };
  await prepare();
  // That takes seconds, in which another command may have been quicker: from here on there is one on this machine.
  return await alone(options.lockWorkflowId, async () => {
    const meanwhile = sameRun(await findHolder(session, options), options, digest);
    if (meanwhile !== null) return { run: meanwhile, isNew: false };
    const started = await startAnew(session, options, digest);
    if (started.isNew) await untilListed(session, options);
    return started;
  });
}

async function startAnew(
  session: Session,
  options: RunOptions,
  digest: string,
): Promise<{ readonly run: string; readonly isNew: boolean }> {
  for (;;) {
    const run = runId(options.instance, options.repository, new Date());
    if (await start(session, run, options, digest)) return { run, isNew: true };
    // Two commands in one second name their run alike, also when the repositories are two of one name.
    const holder = await holderOf(session, run);
    if (holder === null || holder.repositoryLock === options.lockWorkflowId) {
      return { run: sameRun(holder, options, digest) ?? run, isNew: false };
    }
    await sleep(1000);
  }
}

/** The run that does this very update already; `null` when the repository is free. Throws when another update holds it. */
function sameRun(holder: Holder | null, options: RunOptions, digest: string): string | null {
  if (holder === null) return null;
  if (holder.optionsDigest === digest) return holder.run;
  const asked = optionsSummary(options);
  const hint = holder.summary === asked ? ' (they differ in details: author, time zone, credentials or times)' : '';
  throw new CommandError(
    `Another update of ${options.repository.displayUrl} is running, with other options.\n` +
      `  running (${holder.run}): ${holder.summary ?? 'not known'}\n` +
      `  asked for now: ${asked}${hint}\n` +
      `Wait for it ("${typed('watch', holder.run)}"), or end it ("${typed('cancel', holder.run)}").`,
  );
}

/** Starts a run; `false` when one of that name runs already. */
async function start(session: Session, run: string, options: RunOptions, digest: string): Promise<boolean> {
  const { WorkflowExecutionAlreadyStartedError } = await import('@temporalio/client');
  try {
    await session.client.workflow.start('updateFlake', {
      taskQueue: COORDINATOR_QUEUE,
      workflowId: run,
      args: [options],
      memo: {
        optionsDigest: digest,
        optionsSummary: optionsSummary(options),
        repositoryLock: options.lockWorkflowId,
        repository: options.repository.displayUrl,
      },
      staticSummary: `update ${options.repository.displayUrl}`.slice(0, 200),
    });
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return false;
  }
}

/** Waits until others find the run that was just started: the server lists it a moment later. */
async function untilListed(session: Session, options: RunOptions): Promise<void> {
  const deadline = Date.now() + 2000;
  while (Date.now() < deadline && (await findHolder(session, options)) === null) await sleep(20);
}
