import { PlanReader } from '../../../model/nix/build-plan.js';
import type { NixSettings } from '../../../model/run/options.js';
import { optionPairs, PATIENCE } from '../commands.js';
import { runNix } from '../run-nix.js';

/** Arguments of `nix-store` that print a derivation and all that it refers to, one a line. */
const requisites = (drvPath: string): string[] => ['--query', '--requisites', '--', drvPath];

/** Arguments of `nix-store` that say what building a derivation would make and fetch; caches are asked. */
const dryRun = (drvPath: string, settings: NixSettings): string[] => [
  '--realise',
  '--dry-run',
  ...optionPairs([PATIENCE, ...settings.options]),
  '--',
  drvPath,
];

/**
 * The first of some derivations that building `drvPath` would have to make. One that it refers to may not be needed,
 * because the store or a cache has what is made of it: so Nix is asked, but only if it refers to one of them at all.
 * @returns `null` when it needs none of them, or Nix cannot tell
 */
export async function firstInPlan(
  drvPath: string,
  derivations: readonly string[],
  settings: NixSettings,
  signal: AbortSignal,
): Promise<string | null> {
  const closure = await runNix('nix-store', requisites(drvPath), { signal });
  const referred = new Set(closure.stdout.split('\n'));
  if (closure.exitCode !== 0 || !derivations.some((drv) => referred.has(drv))) return null;
  const plan = await runNix('nix-store', dryRun(drvPath, settings), { signal });
  if (plan.exitCode !== 0) return null;
  const toBuild = new Set(readPlan(plan.stderr).derivations());
  return derivations.find((drv) => toBuild.has(drv)) ?? null;
}

function readPlan(text: string): PlanReader {
  const reader = new PlanReader();
  for (const line of text.split('\n')) reader.take(line);
  return reader;
}
