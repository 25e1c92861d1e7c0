import { run } from '../activities/command/process.js';
import { readBounded } from '../host/bounded-file.js';

/** Micro-architecture levels that Debian's Nix lists as platforms; no flake names a host's system so. */
const LEVEL = /^x86_64-v\d-/;

/**
 * Nix systems that this machine's Nix can build: its own, its extra platforms, and those of its remote builders
 * (nix.conf(5): `system`, `extra-platforms`, `builders`). Gives none when Nix cannot be asked: such a machine can still be
 * a coordinator.
 */
export async function nixSystems(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<readonly string[]> {
  const shown = await run('nix', ['--extra-experimental-features', 'nix-command', 'show-config', '--json'], {
    timeoutMs: 10_000,
    env,
  });
  try {
    const settings = JSON.parse(shown.stdout) as Record<string, { readonly value?: unknown } | undefined>;
    const own = textOr(settings.system?.value, null);
    if (own === null) return [];
    const extra = settings['extra-platforms']?.value;
    const builders = await withIncludedFiles(textOr(settings.builders?.value, ''));
    const all = [own, ...(Array.isArray(extra) ? (extra as unknown[]) : []), ...remoteSystems(builders, own)];
    const systems = all.filter((system): system is string => typeof system === 'string' && !LEVEL.test(system));
    return [...new Set(systems)];
  } catch {
    return [];
  }
}

const textOr = <T>(value: unknown, otherwise: T): string | T => (typeof value === 'string' ? value : otherwise);

const MOST_BYTES = 1024 ** 2;

/** The setting with each `@FILE` in it replaced by that file's text; one that cannot be read names no builder. */
async function withIncludedFiles(builders: string): Promise<string> {
  const texts = builders.split(/[\n;]/).map(async (part) => {
    const [, file] = /^\s*@(.*?)\s*$/.exec(part) ?? [];
    return file === undefined ? part : await readBounded(file, MOST_BYTES).catch(() => '');
  });
  return (await Promise.all(texts)).join('\n');
}

/**
 * Systems of remote builders: one builder a line or between semicolons, its address first and its systems second,
 * separated by commas; `-` or nothing stands for the machine's own. `#` begins a comment.
 */
export function remoteSystems(builders: string, own: string): readonly string[] {
  return builders
    .split('\n')
    .flatMap((line) => line.replace(/#.*$/, '').split(';'))
    .map((builder) => builder.trim().split(/\s+/))
    .filter(([address]) => address !== undefined && address !== '')
    .flatMap(([, systems]) => (systems === undefined || systems === '-' ? [own] : systems.split(',')))
    .filter((system) => system !== '');
}
