import type { Landing, Repository, RunOptions } from '../run/options.js';

/** A way in which a verified update ends. Its members live in this folder, one file each, and are registered in `index.ts`. */
export interface WayOfLanding {
  /** Whether anything leaves this machine: only then is there something to approve. */
  readonly lands: boolean;
  /** Whether it is on main then. */
  readonly movesMain: boolean;
  /** Whether it makes update branches, of which older ones may become needless. */
  readonly makesBranches: boolean;
  /** Whether it ends in a pull request, which has one branch for all updates in turn: otherwise each day has its own. */
  readonly asksForge: boolean;
  /** Whether inputs are held back unless the owner says otherwise: where a person looks before main moves. */
  readonly holdsBack: boolean;
  intent(options: Pick<RunOptions, 'repository' | 'landing' | 'timeZone'>, date: Date): string;
  /** What the step does, for the Temporal UI. */
  step(repository: Pick<Repository, 'mainBranch'>): string;
  /** What became of an update that ended in this way, as the beginning of a headline. */
  readonly outcome: 'Landed' | 'Proposed';
  /** What is said before the name of the branch that has the commit. @param request number of the pull request, once it is open */
  place(request: number | undefined): string;
  /** Its settings, in a few words; empty when it has none. */
  summary(landing: Landing): string;
}
