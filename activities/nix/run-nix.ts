import type { ApplicationFailure } from '@temporalio/common';
import { FILTER_SETTINGS, withoutPrograms, type ConfigEntry, type Environment } from '../../model/git/environment.js';
import { INFRASTRUCTURE_BACKOFF } from '../../model/run/infrastructure.js';
import { launch } from '../command/launcher.js';
import { memoryKills } from '../command/memory-kills.js';
import type { Finished, RunOptions } from '../command/process.js';
import { fetchingEnvironment } from './access-tokens.js';
import type { TreatedSettings } from './commands.js';
import { nixEnvironment } from '../../host/nix/environment.js';
import { nixErrorMessage } from '../../host/nix/error-message.js';
import { faultOf, type Fault } from './faults.js';
import { triedAgain } from './tried-again.js';
import { nixUnusable } from './version.js';

export interface Passage {
  readonly variables: Environment;
  /** What it has said, with the reason in the place of what Curl says of a proxy. */
  readonly explain: (stderr: string) => string;
}

export interface NixOptions extends Omit<RunOptions, 'env'> {
  /** Given where the command may fetch inputs. */
  readonly fetching?: Pick<TreatedSettings, 'accessTokensFile' | 'distrusted'>;
  /** Default: as the worker does. */
  readonly passage?: Passage | null;
}

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
  { fetching, passage = null, ...options }: NixOptions = {},
): Promise<NixFinished> {
  const env = await fetchingEnvironment(fetching ?? {}, fetching === undefined ? [] : await gitForInputs());
  const killsBefore = await memoryKills();
  const launched = await launch(command, args, { graceMs: 1000, ...options, env: { ...env, ...passage?.variables } });
  const result = passage === null ? launched : { ...launched, stderr: passage.explain(launched.stderr) };
  const killedForMemory = result.signal === 'SIGKILL' && (await memoryKills()) > killsBefore;
  const finished = { ...result, killedForMemory };
  if (finished.notFound) throw nixUnusable(`there is no \`${command}\` on the PATH of the worker`);
  const fault = finished.exitCode === 0 ? null : faultOf(finished);
  if (fault?.kind === 'nix') throw nixUnusable(`${fault.what}: ${nixErrorMessage(finished.stderr)}`);
  return finished;
}

/** Settings of Git for what Nix fetches: see `withoutPrograms`. Nix before 2.20 reads inputs by `git archive`, which runs filters. */
async function gitForInputs(): Promise<readonly ConfigEntry[]> {
  const list = ['config', '--null', '--name-only', '--get-regexp', FILTER_SETTINGS];
  const { stdout } = await launch('git', list, { cwd: '/', env: nixEnvironment(), timeoutMs: 10_000 });
  return withoutPrograms(stdout.split('\0').filter((key) => key !== ''));
}

/**
 * The failure by which Temporal tries again what machine or network kept from happening.
 * @param limit for what the machine is given time for as for a build: tries so far, this one included, and in all; default: as
 *   the activity's policy has it
 */
export function faultFailure(
  doing: string,
  fault: Fault,
  finished: Finished,
  limit?: { readonly attempt: number; readonly tries: number },
): ApplicationFailure {
  const said = finished.stderr.trim() === '' ? '' : `. ${nixErrorMessage(finished.stderr)}`;
  const message = `${doing}: ${fault.what}${said}`;
  if (limit === undefined) return triedAgain(message);
  const pause = fault.kind === 'machine' ? INFRASTRUCTURE_BACKOFF[limit.attempt - 1] : undefined;
  return triedAgain(message, { tries: limit.tries, pause });
}
