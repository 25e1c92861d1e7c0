import type { PartOfRun } from '../../model/verify/part.js';
import type { Report } from '../../model/report/data.js';
import { without } from '../../model/run/without.js';
import { coordinator } from '../calls/coordinator.js';
import { bring } from './bring.js';
import type { Ended } from './facts.js';
import { commitSignature, type Run } from './run.js';

/** Brings some inputs of another run's update to where they land: nothing is fetched, so all parts are of one look at upstream. */
export async function bringPart(run: Run, part: PartOfRun): Promise<Ended> {
  const { state, options } = run;
  const { candidate, move, targets, required, notAsked, ignoredNixConfig } = part;
  state.learn({ base: candidate.base, required, notAsked, ignoredNixConfig });
  state.phase('updating-lock');
  const lock = await coordinator(`move ${move.join(', ')}`).composeCandidate({
    ...{ repository: options.repository, candidate, move },
    ...commitSignature(run),
  });
  if (lock.kind === 'unchanged') return { outcome: 'unchanged' };
  return await bring(run, { lock, targets, heldBack: [], fixes: [] });
}

/** What the run is told of a part, which it keeps in its history. The whole report is on the disk. */
export const inShort = (report: Report): Report => ({
  ...report,
  targets: report.targets.map((target) => ({ ...without(target, 'closure', 'plan'), logTail: null })),
});
