import { run } from '../activities/process.js';

/** Micro-architecture levels that Debian's Nix lists as platforms; no flake names a host's system so. */
const LEVEL = /^x86_64-v\d-/;

/**
 * Nix systems that this machine's Nix builds by itself: its own and its extra platforms (nix.conf(5)).
 * Gives none when Nix cannot be asked: such a machine can still be a coordinator.
 */
export async function nixSystems(): Promise<readonly string[]> {
  const shown = await run('nix', ['--extra-experimental-features', 'nix-command', 'show-config', '--json'], {
    timeoutMs: 10_000,
  });
  try {
    const settings = JSON.parse(shown.stdout) as Record<string, { readonly value?: unknown } | undefined>;
    const own = settings.system?.value;
    const extra = settings['extra-platforms']?.value;
    const systems = [own, ...(Array.isArray(extra) ? (extra as unknown[]) : [])];
    return systems.filter((system): system is string => typeof system === 'string' && !LEVEL.test(system));
  } catch {
    return [];
  }
}
