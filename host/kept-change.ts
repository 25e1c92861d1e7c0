import path from 'node:path';
import type { TargetChange } from '../model/closure/closure.js';
import { recordDirectory } from '../model/machine/record-directory.js';
import type { StateDirectory } from '../model/machine/state-directory.js';
import type { TargetName } from '../model/targets/index.js';
import { hasFields, readJson, writeWhole } from './files.js';

export interface ChangedTarget {
  /** Workflow id of the run. */
  readonly run: string;
  /** Full commit of the candidate: `head` of the report. */
  readonly head: string;
  readonly target: TargetName;
}

/** File of what an update changes in the closure of a target, beside the log of its build; it stays as long as that does. */
export const CHANGE_FILE = 'closure.json';

const fileOf = (state: StateDirectory, { run, head, target }: ChangedTarget): string =>
  path.join(recordDirectory(state, run, head, target), CHANGE_FILE);

/** Keeps the whole change, of which a report has only the beginning. Safe to repeat. */
export const keepChange = (state: StateDirectory, of: ChangedTarget, change: TargetChange): Promise<void> =>
  writeWhole(fileOf(state, of), JSON.stringify(change));

/** The whole change, with all packages; `null` when this machine did not build the target, or has pruned its log. */
export const readChange = (state: StateDirectory, of: ChangedTarget): Promise<TargetChange | null> =>
  readJson(fileOf(state, of), hasFields<TargetChange>('kind'));
