import { FILTER_SETTINGS, withoutPrograms, type ConfigEntry } from '../../model/git/environment.js';
import { run } from '../command/process.js';
import { nixEnvironment } from './commands.js';

/** How long the answer to "which filters are there?" is good for: Nix runs many times a second. */
const FRESH_MS = 30_000;

let known: { readonly config: Promise<readonly ConfigEntry[]>; readonly at: number } | null = null;

/** Settings of Git for what Nix fetches: see `withoutPrograms`. Nix before 2.20 reads inputs by `git archive`, which runs filters. */
export function gitForInputs(): Promise<readonly ConfigEntry[]> {
  if (known === null || Date.now() - known.at > FRESH_MS) known = { config: look(), at: Date.now() };
  return known.config;
}

async function look(): Promise<readonly ConfigEntry[]> {
  const list = ['config', '--null', '--name-only', '--get-regexp', FILTER_SETTINGS];
  const { stdout } = await run('git', list, { cwd: '/', env: nixEnvironment(), timeoutMs: 10_000 });
  return withoutPrograms(stdout.split('\0').filter((key) => key !== ''));
}
