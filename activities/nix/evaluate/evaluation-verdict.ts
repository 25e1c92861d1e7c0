import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../../host/files.js';
import { finalFailure } from '../../../model/run/failures.js';
import type { EvaluateTargetInput } from '../../../model/contract/verification.js';
import type { Target } from '../../../model/targets/index.js';
import { stripControl, truncate } from '../../../model/text/text.js';
import { verdictOf, type Verdict } from '../../../model/verify/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import { logTail } from '../../supervised/log.js';
import type { CommitEvaluation } from './evaluate-commit.js';
import { isLockRefusal } from '../lock-refusal.js';
import { recordDirectory } from '../../../model/machine/record-directory.js';
import { nixVersion } from '../version.js';

type Asked = Pick<EvaluateTargetInput, 'candidate' | 'run' | 'target'>;

/** Writes Nix's whole output of one evaluation into the record's folder; gives its absolute path. */
export async function writeEvaluationLog(env: ActivityEnvironment, asked: Asked, log: string): Promise<string> {
  const directory = recordDirectory(env.state, asked.run, asked.candidate.head, asked.target);
  const file = path.join(directory, 'evaluation.log');
  await makeFolder(directory);
  await writeFile(file, log, { mode: 0o600 });
  return file;
}

/**
 * Tells a lock that this machine's Nix cannot read from a target that does not evaluate: the coordinator's Nix wrote it in
 * another version's way.
 * @throws `LockUnreadable`, which names both versions
 */
export async function assertLockIsReadable(
  env: ActivityEnvironment,
  { candidate }: Asked,
  error: string,
): Promise<void> {
  const { lockedBy, head } = candidate;
  const { text } = await nixVersion();
  if (lockedBy === undefined || lockedBy === text || !isLockRefusal(error)) return;
  const writer = truncate(stripControl(lockedBy), 100);
  throw finalFailure(
    'LockUnreadable',
    `${text} on ${env.hostName} cannot read the flake.lock of commit ${head.slice(0, 12)}, which ${writer} wrote on the coordinator: give both machines the same Nix. ${text} says: ${error}`,
  );
}

/**
 * The verdict of a target that does not evaluate. One that the machine kept from being evaluated until the last attempt
 * is `skipped`: nothing is known of it, so no input is to blame for it, and base has not broken it.
 */
export const failedVerdict = (
  env: ActivityEnvironment,
  asked: Asked,
  found: Extract<CommitEvaluation, { kind: 'failed' }>,
  logPath: string,
  seconds: number,
): Verdict =>
  verdictOf(asked.target, found.unanswered === 'machine' ? 'skipped' : 'evaluation-failed', {
    seconds,
    error: found.unanswered === 'machine' ? `the machine failed: ${found.error}` : found.error,
    machine: env.machine,
    logPath,
    logTail: logTail(found.log),
  });

/** The verdict of a target that nothing is done about before a person has approved what an agent changed. */
export const refusedVerdict = (
  env: ActivityEnvironment,
  target: Target,
  what: 'evaluated' | 'built',
  why: string,
): Verdict =>
  verdictOf(target, 'skipped', {
    error: `was not ${what} on ${env.hostName}, because the update holds an agent's change, and ${why}`,
    needsApproval: true,
    machine: env.machine,
  });
