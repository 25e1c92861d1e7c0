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
  /** What a run will do, as the beginning of a sentence. */
  intent(options: Pick<RunOptions, 'repository' | 'landing' | 'timeZone'>, date: Date): string;
  /** What the step does, for the Temporal UI. */
  step(repository: Pick<Repository, 'mainBranch'>): string;
  /** Its settings, in a few words; empty when it has none. */
  summary(landing: Landing): string;
}
