import type { GateInput } from '../../model/contract/verification.js';
import type { GateCheck } from '../../model/gates/gate.js';
import { oneLine } from '../../model/text/one-line.js';
import { nameList } from '../../model/report/words.js';
import { LOG_TAIL_BYTES, verdictOf, type Verdict } from '../../model/verify/verdict.js';
import { MESSAGE_BYTES } from '../../model/run/failures.js';
import type { ActivityEnvironment } from '../environment.js';
import { KILLED_STATUS } from '../command/memory-kills.js';
import { nixErrorMessage } from '../../host/nix/error-message.js';
import { faultOf } from '../nix/faults.js';
import { triedAgain } from '../nix/tried-again.js';
import { logTail, readEnd } from '../supervised/log.js';
import type { CommandRecord } from '../supervised/record.js';
import { shortageOf } from '../supervised/shortage.js';

/** A machine or network that fails this often has the last word. */
const ATTEMPTS = 5;

/** What `nix flake check` says at its end, after all that is wrong. */
const NIX_SUMMARY = /^error: some errors were encountered .*$/m;

/** What linters draw around the lines that they point at. */
const DRAWN = /[\u2500-\u257f·]+/g;

export type GateFinding = Pick<Verdict, 'verdict' | 'error' | 'needsApproval'>;

export const PASSED: GateFinding = { verdict: 'built', error: null };

/** Whether a command looked at nothing although it ended with status 0: statix does where its `statix.toml` cannot be read. */
export const hasGivenUp = async (check: GateCheck, { log }: CommandRecord): Promise<boolean> =>
  check.kind === 'preset' && check.preset === 'statix' && /^config error: /m.test(await readEnd(log, LOG_TAIL_BYTES));

/**
 * What a command that did not succeed says of the candidate.
 * @param attempt tries so far, this one included
 * @throws a retryable `NixFault` when the machine or the network kept Nix from answering
 */
export async function failedFinding(
  record: CommandRecord,
  [command = '']: readonly string[],
  code: number,
  attempt: number,
): Promise<GateFinding> {
  const said = (await readEnd(record.log, 16 * LOG_TAIL_BYTES)).replace(NIX_SUMMARY, '');
  const killedForMemory = code === KILLED_STATUS && (await shortageOf(record)).memory;
  const fault = command === 'nix' || killedForMemory ? faultOf({ signal: null, stderr: said, killedForMemory }) : null;
  if (fault !== null && attempt < ATTEMPTS)
    throw triedAgain(`${fault.what}. ${nixErrorMessage(said)}`, { tries: ATTEMPTS });
  const why = said.trim() === '' ? '' : `: ${nixErrorMessage(said.replace(DRAWN, ' '))}`;
  return { verdict: 'build-failed', error: oneLine(`status ${code}${why}`, MESSAGE_BYTES) };
}

/** A command that changes tracked files has found something to fix: this makes a formatter a gate. */
export const changedFinding = (files: readonly string[]): GateFinding => ({
  verdict: 'build-failed',
  error: `it changes ${files.length === 1 ? 'a file' : `${files.length} files`}: ${nameList(files)}`,
});

export async function gateVerdict(
  env: ActivityEnvironment,
  { gate }: GateInput,
  record: CommandRecord | null,
  found: GateFinding & { readonly seconds: number },
): Promise<Verdict> {
  const log = found.verdict === 'built' || record === null ? null : await readEnd(record.log, 16 * LOG_TAIL_BYTES);
  return verdictOf(gate, found.verdict, {
    ...found,
    seconds: Math.round(found.seconds * 10) / 10,
    machine: env.machine,
    logPath: record?.log ?? null,
    logTail: log === null ? null : logTail(log),
  });
}
