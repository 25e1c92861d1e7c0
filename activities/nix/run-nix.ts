import { ApplicationFailure } from '@temporalio/common';
import { INFRASTRUCTURE_BACKOFF } from '../../model/infrastructure.js';
import type { NixSettings } from '../../model/run.js';
import { launch } from '../launcher.js';
import { memoryKills } from '../memory-kills.js';
import type { Finished, RunOptions } from '../process.js';
import { fetchingEnvironment } from './access-tokens.js';
import { nixErrorMessage } from './error-message.js';
import { faultOf, type Fault } from './faults.js';
import { nixUnusable } from './version.js';

export interface NixOptions extends Omit<RunOptions, 'env'> {
  /** Given where the command may fetch inputs. */
  readonly fetching?: Pick<NixSettings, 'accessTokensFile'>;
}

/** What came out of one of Nix's commands. */
export interface NixFinished extends Finished {
  readonly killedForMemory: boolean;
}

/**
 * Runs one of Nix's commands and gives what came out, whatever its exit status.
 * @throws `NixUnusable` when the command is missing or it cannot be used at all; `TokenFile`
 */
export async function runNix(
  command: 'nix' | 'nix-instantiate' | 'nix-store',
  args: readonly string[],
  { fetching = {}, ...options }: NixOptions = {},
): Promise<NixFinished> {
  const env = await fetchingEnvironment(fetching);
  const killsBefore = await memoryKills();
  const result = await launch(command, args, { graceMs: 1000, ...options, env });
  const killedForMemory = result.signal === 'SIGKILL' && (await memoryKills()) > killsBefore;
  const finished = { ...result, killedForMemory };
  if (finished.notFound) throw nixUnusable(`there is no \`${command}\` on the PATH of the worker`);
  const fault = finished.exitCode === 0 ? null : faultOf(finished);
  if (fault?.kind === 'nix') throw nixUnusable(`${fault.what}: ${nixErrorMessage(finished.stderr)}`);
  return finished;
}

/**
 * The failure by which Temporal tries again what machine or network kept from happening.
 * @param attempt tries so far, this one included, of what the machine is given time for as for a build; default: the pause is
 *   that of the activity
 */
export function faultFailure(doing: string, fault: Fault, finished: Finished, attempt?: number): ApplicationFailure {
  const said = finished.stderr.trim() === '' ? '' : `. ${nixErrorMessage(finished.stderr)}`;
  const pause = fault.kind === 'machine' && attempt !== undefined ? INFRASTRUCTURE_BACKOFF[attempt - 1] : undefined;
  return ApplicationFailure.create({
    message: `${doing}: ${fault.what}${said}`,
    type: 'NixFault',
    nonRetryable: false,
    ...(pause === undefined ? {} : { nextRetryDelay: `${pause} seconds` as const }),
  });
}
