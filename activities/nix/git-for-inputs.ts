import { FILTER_SETTINGS, withoutPrograms, type ConfigEntry } from '../../model/git/environment.js';
import { launch } from '../command/launcher.js';
import { nixEnvironment } from '../../host/nix/environment.js';

/** Settings of Git for what Nix fetches: see `withoutPrograms`. Nix before 2.20 reads inputs by `git archive`, which runs filters. */
export async function gitForInputs(): Promise<readonly ConfigEntry[]> {
  const list = ['config', '--null', '--name-only', '--get-regexp', FILTER_SETTINGS];
  const { stdout } = await launch('git', list, { cwd: '/', env: nixEnvironment(), timeoutMs: 10_000 });
  return withoutPrograms(stdout.split('\0').filter((key) => key !== ''));
}
