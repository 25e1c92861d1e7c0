import { ApplicationFailure } from '@temporalio/common';
import type { NixSettings } from '../../model/run.js';
import { launch } from '../launcher.js';
import type { Finished, RunOptions } from '../process.js';
import { fetchingEnvironment } from './access-tokens.js';
import { nixErrorMessage } from './error-message.js';
import { faultOf, type Fault } from './faults.js';
import { nixUnusable } from './version.js';

export interface NixOptions extends Omit<RunOptions, 'env'> {
  /** Given where the command may fetch inputs. */
  readonly fetching?: Pick<NixSettings, 'accessTokensFile'>;
}

/**
 * Runs one of Nix's commands and gives what came out, whatever its exit status.
 * @throws `NixUnusable` when the command is missing or flakes cannot be enabled; `TokenFile`
 */
export async function runNix(
  command: 'nix' | 'nix-instantiate' | 'nix-store',
  args: readonly string[],
  { fetching = {}, ...options }: NixOptions = {},
): Promise<Finished> {
  const env = await fetchingEnvironment(fetching);
  const finished = await launch(command, args, { graceMs: 1000, ...options, env });
  if (finished.notFound) throw nixUnusable(`there is no \`${command}\` on the PATH of the worker`);
  if (finished.exitCode !== 0 && faultOf(finished)?.kind === 'nix') {
    throw nixUnusable(`flakes cannot be enabled: ${nixErrorMessage(finished.stderr)}`);
  }
  return finished;
}

/** The failure by which Temporal tries again what machine or network kept from happening. */
export const faultFailure = (doing: string, fault: Fault, finished: Finished): ApplicationFailure =>
  ApplicationFailure.retryable(`${doing}: ${fault.what}. ${nixErrorMessage(finished.stderr)}`, 'NixFault');
