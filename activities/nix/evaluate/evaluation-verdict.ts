import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { EvaluateTargetInput } from '../../../model/activities.js';
import { redactUrl, stripControl, tail } from '../../../model/text.js';
import { LOG_TAIL_BYTES, LOG_TAIL_LINES, type Verdict } from '../../../model/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import type { CommitEvaluation } from './evaluate-commit.js';
import { recordDirectory } from '../record-directory.js';

type Asked = Pick<EvaluateTargetInput, 'candidate' | 'run' | 'target'>;

/** Writes Nix's whole output of one evaluation into the record's folder; gives its absolute path. */
export async function writeEvaluationLog(env: ActivityEnvironment, asked: Asked, log: string): Promise<string> {
  const directory = recordDirectory(env.state, asked.run, asked.candidate.head, asked.target);
  const file = path.join(directory, 'evaluation.log');
  await mkdir(directory, { recursive: true });
  await writeFile(file, log);
  return file;
}

/** The verdict of a target that does not evaluate. */
export const failedVerdict = (
  env: ActivityEnvironment,
  asked: Asked,
  found: Extract<CommitEvaluation, { kind: 'failed' }>,
  logPath: string,
  seconds: number,
): Verdict => ({
  target: asked.target,
  verdict: 'evaluation-failed',
  system: null,
  drvPath: null,
  outPath: null,
  sameAsBase: null,
  seconds,
  error: found.error,
  failedDrv: null,
  machine: env.machine,
  logPath,
  logTail: tail(redactUrl(stripControl(found.log)), { lines: LOG_TAIL_LINES, bytes: LOG_TAIL_BYTES }),
});
