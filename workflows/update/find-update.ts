import { heldForSources } from '../../model/report/new-sources.js';
import { finalFailure } from '../../model/run/failures.js';
import type { EarlierHold } from '../../model/report/earlier-holds.js';
import { pinnedInputs } from '../../model/hold-back/pins.js';
import { noneAskedWords } from '../../model/report/unfetched.js';
import type { WholeOptions } from '../../model/run/earlier.js';
import { allOrCancel } from '../calls/all-or-cancel.js';
import { coordinator } from '../calls/coordinator.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';
import type { Update } from './commit-update.js';
import { keepNamedBack } from './keep-back.js';
import { commitSignature, type Run } from './run.js';
import { listTargets } from './targets.js';

/** Updates the lock of a commit of main within the run's policy; `null`: nothing moves. @throws `InputsUnreachable` */
export async function findUpdate(run: Run, base: string): Promise<Update | null> {
  const { options, state } = run;
  const { repository, nix } = options;
  state.phase('updating-lock');
  const pins = options.holdBack.pinned;
  const [targets, lock, earlierHolds] = await allOrCancel(
    () => listTargets(run, base),
    () =>
      coordinator('update flake.lock').updateLock({
        repository,
        base,
        ...inputChoice(options),
        named: [
          ...options.holdBack.never,
          ...pins.map(({ input }) => input),
          ...(options.landing.perInput === true ? options.inputGroups.flat() : []),
          ...(options.cooldown?.inputs ?? []).map(({ input }) => input),
        ],
        mayGoBack: options.approval !== null,
        nix,
        ...commitSignature(run),
      }),
    () => findEarlierHolds(run),
  );
  const heldBack = (lock.refused ?? []).map(heldForSources);
  const { unfetched, waiting = [], advice = [] } = lock;
  state.learn({ fetchFailures: unfetched, waiting, heldBack, earlierHolds, advice });
  if (lock.kind === 'unchanged') {
    if (lock.noneAsked === true) throw finalFailure('InputsUnreachable', noneAskedWords(lock.unfetched));
    return null;
  }
  state.learn({ inputGroup: lock.group ?? null });
  const names = lock.moved.map(({ name }) => name);
  const pinned = pinnedInputs(pins, names, { moment: run.startTime, timeZone: options.timeZone });
  return await keepNamedBack(run, { lock, targets, heldBack, fixes: [] }, pinned);
}

/** Which inputs a run is about. */
const inputChoice = ({ inputs, excludeInputs, inputGroups, cooldown, instance, landing }: WholeOptions) => ({
  inputs,
  ...(excludeInputs.length === 0 ? {} : { excludeInputs }),
  // Where each input has a request of its own, groups share one, and none waits for its turn.
  ...(inputGroups.length === 0 || landing.perInput === true ? {} : { inputGroups, instance }),
  ...(cooldown === undefined ? {} : { cooldown }),
});

/** What earlier runs held back, `null` when that is not known; older runs did not ask. */
async function findEarlierHolds({ options }: Run): Promise<readonly EarlierHold[] | null> {
  const { holdBack, repository } = options;
  if (holdBack.alarmSeconds === undefined) return [];
  try {
    return await coordinator('read inputs that earlier runs held back', UNNEEDED_TRIES).earlierHolds({ repository });
  } catch (error) {
    goOnWithout('inputs that earlier runs held back', error);
    return null;
  }
}
