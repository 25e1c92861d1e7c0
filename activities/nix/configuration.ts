import { userInfo } from 'node:os';
import type { NixSettings } from '../../model/run/options.js';
import { run } from '../command/process.js';
import { optionPairs } from '../../model/nix/options.js';

export type NixConfiguration = Readonly<Record<string, { readonly value?: unknown } | undefined>>;

/**
 * @param options that are given to Nix beside
 * @param env of Nix; default: that of this process
 * @returns `null` when Nix cannot be asked
 */
export async function nixConfiguration(
  options: NixSettings['options'] = [],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<NixConfiguration | null> {
  const args = ['--extra-experimental-features', 'nix-command', 'show-config', '--json'];
  const shown = await run('nix', [...args, ...optionPairs(options)], { env, timeoutMs: 10_000 });
  try {
    return JSON.parse(shown.stdout) as NixConfiguration;
  } catch {
    return null;
  }
}

/**
 * Settings as the machine's own files have them, which its daemon reads: what this account sets for itself, in files or by variables, says
 * nothing of it. `null` when Nix cannot be asked.
 */
export const machineConfiguration = (): Promise<NixConfiguration | null> =>
  nixConfiguration([], { ...process.env, NIX_CONFIG: undefined, NIX_CONF_DIR: undefined, NIX_USER_CONF_FILES: '' });

/** Whether Nix's daemon trusts this process as root: `trusted-users` of nix.conf(5). `null`: that cannot be told. */
export async function isTrusted(): Promise<boolean | null> {
  const { uid, username } = userInfo();
  if (uid === 0) return true;
  const [configuration, groups] = await Promise.all([
    machineConfiguration(),
    run('id', ['-Gn'], { timeoutMs: 10_000 }),
  ]);
  const trusted = configuration?.['trusted-users']?.value;
  if (!Array.isArray(trusted)) return null;
  const own = [
    username,
    '*',
    ...groups.stdout
      .trim()
      .split(/\s+/)
      .map((group) => `@${group}`),
  ];
  return trusted.some((name) => own.includes(String(name)));
}
