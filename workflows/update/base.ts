import { CancellationScope, patched } from '@temporalio/workflow';
import { commandsOf } from '../../model/contract/asked-commands.js';
import { branchToPush } from '../../model/landing/index.js';
import type { Base } from '../../model/verify/candidate.js';
import { coordinator } from '../calls/coordinator.js';
import { signingKey, type Run } from './run.js';

/** The commit of main that the run is about, or the newer run that this one gives way to. */
export type TakenBase =
  { readonly kind: 'taken'; readonly base: Base } | { readonly kind: 'superseded'; readonly by: string };

/** Takes the repository, and sees main meanwhile: mostly nobody has it. If somebody had, main is asked again. */
export async function takeBase(run: Run): Promise<TakenBase> {
  const { lock, state } = run;
  const meanwhile = new CancellationScope();
  // replay-tested: 2026-11-25, test/replay/0.1.0
  const seen = patched('resolve-base-ahead') ? meanwhile.run(() => resolveBase(run)) : null;
  const settled = Promise.allSettled([seen]);
  try {
    const taken = await lock.take();
    if (taken.kind === 'superseded') return taken;
    state.phase('resolving');
    if (seen !== null && !taken.waited) return { kind: 'taken', base: await seen };
  } finally {
    meanwhile.cancel();
    await settled;
  }
  return { kind: 'taken', base: await resolveBase(run) };
}

const resolveBase = (run: Run): Promise<Base> => {
  const { options, id, startTime } = run;
  return coordinator(`fetch ${options.repository.mainBranch}`).resolveBase({
    repository: options.repository,
    run: id,
    ...(commandsOf(options).length === 0 ? {} : { commands: commandsOf(options) }),
    ...branchToPush(options, startTime),
    ...signingKey(run),
  });
};
