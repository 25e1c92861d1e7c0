import { PlanReader } from '../../../model/nix/build-plan.js';
import type { NixSettings } from '../../../model/run/options.js';
import { optionPairs, PATIENCE } from '../../../model/nix/options.js';
import { runNix } from '../run-nix.js';

/** Arguments of `nix-store` that print a derivation and all that it refers to, one a line. */
const requisites = (drvPath: string): string[] => ['--query', '--requisites', '--', drvPath];

/** A derivation and all that it refers to; `null` when the store does not have it. */
export async function requisitesOf(drvPath: string, signal: AbortSignal): Promise<ReadonlySet<string> | null> {
  const closure = await runNix('nix-store', requisites(drvPath), { signal, background: true });
  return closure.exitCode === 0 ? new Set(closure.stdout.trim().split('\n')) : null;
}

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
  const referred = await requisitesOf(drvPath, signal);
  if (referred === null || !derivations.some((drv) => referred.has(drv))) return null;
  const plan = await buildPlan(drvPath, settings, signal);
  if (plan === null) return null;
  const toBuild = new Set(plan.derivations());
  return derivations.find((drv) => toBuild.has(drv)) ?? null;
}

/** What building a derivation of this machine's store has to do; `null` when Nix cannot tell. */
export async function buildPlan(
  drvPath: string,
  settings: NixSettings,
  signal: AbortSignal,
): Promise<PlanReader | null> {
  const { exitCode, stderr } = await runNix('nix-store', dryRun(drvPath, settings), { signal });
  if (exitCode !== 0) return null;
  const reader = new PlanReader();
  for (const line of stderr.split('\n')) reader.take(line);
  return reader;
}
