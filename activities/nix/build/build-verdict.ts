import { appendFile, readFile } from 'node:fs/promises';
import { passingFailure } from '../../../model/run/failures.js';
import type { BuildTargetInput } from '../../../model/contract/verification.js';
import { NOTHING_TO_DO } from '../../../model/nix/build-plan.js';
import { parseDerivation } from '../../../model/nix/derivation-file.js';
import { LOG_TAIL_BYTES, LOG_TAIL_LINES, verdictOf, type Verdict } from '../../../model/verify/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import { writeWhole } from '../../../host/files.js';
import { logTail, readEnd } from '../../supervised/log.js';
import { readStart, type CommandRecord, type CommandStatus } from '../../supervised/record.js';
import { shortageOf } from '../../supervised/shortage.js';
import { forgetIfEnded, wallSeconds } from '../../supervised/state.js';
import { runNix } from '../run-nix.js';
import { readBuilderLog } from './build-command.js';
import { builderLines, builderMark, readEvidence, type LogEvidence } from './build-log.js';
import { noteBuildTime } from './build-times.js';
import { classifyFailure, failedDerivation, type BuildFailure } from './classify-failure.js';

/**
 * Turns an ended build into its verdict, and stores that in the record: a repeat finds it there.
 * @throws a retryable `BuildInfrastructure` when the machine is to blame, not the build
 */
export async function concludeBuild(
  env: ActivityEnvironment,
  record: CommandRecord,
  input: BuildTargetInput,
  status: CommandStatus,
): Promise<Verdict> {
  const offset = (await readStart(record))?.logOffset ?? 0;
  const evidence = await readEvidence(record.log, offset);
  const wall = await wallSeconds(record, status);
  const found = status.code === 0 ? BUILT : await findFailure(record, offset, status, evidence);
  const { system, drvPath, outPath } = input.evaluation;
  // Nix says nothing when there is nothing to do, and also when it failed before it knew.
  const plan = evidence.plan ?? (found.verdict === 'built' ? NOTHING_TO_DO : null);
  // Whether it is the same as on base is told by another activity, beside the build.
  const verdict = verdictOf(input.target, found.verdict, {
    ...found,
    ...{ system, drvPath, outPath },
    ...(plan !== null && { plan }),
    seconds: oneDecimal(input.evaluation.seconds + (wall ?? 0)),
    machine: env.machine,
    logPath: record.log,
  });
  if (verdict.verdict === 'built') await sayWhyNoLog(record, input.evaluation);
  await writeWhole(record.verdict, JSON.stringify(verdict));
  if (verdict.verdict === 'built' && wall !== null && evidence.started.length > 0) {
    await noteBuildTime(env.state, input.repository, input.target, oneDecimal(wall));
  }
  return verdict;
}

/** A log in which Nix only named the result, and warned, says so in words, and where another build's log may be. Safe to repeat. */
async function sayWhyNoLog(record: CommandRecord, { drvPath, outPath }: BuildTargetInput['evaluation']): Promise<void> {
  const lines = (await readEnd(record.log, 4096)).split('\n');
  if (lines.some((line) => line !== '' && line !== record.result && !line.startsWith('warning: '))) return;
  const text = `Nothing was built: ${outPath} was in the store already.\nnix-store --read-log ${drvPath} shows its last build on this machine.\n`;
  await appendFile(record.log, text);
}

type Finding = Pick<Verdict, 'verdict' | 'error' | 'failedDrv' | 'logTail'>;

const BUILT: Finding = { verdict: 'built', error: null, failedDrv: null, logTail: null };

async function findFailure(
  record: CommandRecord,
  offset: number,
  status: CommandStatus,
  evidence: LogEvidence,
): Promise<Finding> {
  const drv = failedDerivation(evidence);
  const lines = drv === null ? [] : await linesOf(drv, record, offset, evidence);
  const failure = classifyFailure({
    ...evidence,
    status,
    builderLines: lines,
    shortage: await shortageOf(record),
    fixedOutput: drv !== null && (await isFixedOutput(drv)),
  });
  if (failure.kind === 'infrastructure') {
    await forgetIfEnded(record);
    throw passingFailure(
      'BuildInfrastructure',
      `The machine, not the build, failed: ${failure.message}. Log: ${record.log}`,
    );
  }
  return {
    verdict: failure.kind,
    error: failure.message,
    failedDrv: failure.failedDrv,
    logTail: await tailOf(record, failure, lines),
  };
}

/** The end of the failed builder's log; of the whole log where the builder said nothing, or Nix says what is wrong. */
async function tailOf(record: CommandRecord, failure: BuildFailure, lines: readonly string[]): Promise<string> {
  const own = failure.told === 'by-builder' ? lines.join('\n') : '';
  const text = own.trim() === '' ? await readEnd(record.log, 16 * LOG_TAIL_BYTES) : own;
  return logTail(text);
}

/** The newest lines of one builder; from Nix's own log where ours has none, or several builders with its mark. */
async function linesOf(
  drv: string,
  record: CommandRecord,
  offset: number,
  evidence: LogEvidence,
): Promise<readonly string[]> {
  const mark = builderMark(drv);
  const alike = evidence.started.filter((each) => builderMark(each) === mark);
  const own = await builderLines(record.log, offset, mark, LOG_TAIL_LINES);
  if (new Set(alike).size > 1 || own.length === 0) {
    const log = await runNix('nix-store', readBuilderLog(drv), { timeoutMs: 20_000 });
    // Downloads write what they tell Nix's own progress bar into their log.
    const lines = log.stdout.trimEnd().split('\n');
    if (log.exitCode === 0) return lines.filter((line) => !line.startsWith('@nix ')).slice(-LOG_TAIL_LINES);
  }
  return own;
}

async function isFixedOutput(drv: string): Promise<boolean> {
  try {
    return parseDerivation(await readFile(drv, 'utf8')).outputs.some(({ hash }) => hash !== '');
  } catch {
    // Collected meanwhile, or of a kind that is not known: then nothing excuses the builder.
    return false;
  }
}

const oneDecimal = (seconds: number): number => Math.round(seconds * 10) / 10;
