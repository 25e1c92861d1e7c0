import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Distrust } from '../../model/verify/distrust.js';
import type { CandidateSource } from '../../model/verify/candidate.js';
import type { NixSettings } from '../../model/run/options.js';
import { holdsAgentChange } from '../git/agent-change.js';
import type { TreatedSettings } from './commands.js';
import { isTrusted, machineConfiguration } from './configuration.js';

/** A candidate, and how its run uses Nix. */
interface Asked extends CandidateSource, Distrust {
  readonly nix: NixSettings;
}

/** How a candidate may be evaluated and built on this machine. */
export type Treatment =
  | { readonly kind: 'usual'; readonly nix: TreatedSettings }
  /** `mayFetch`: whether its builders may have the network of this machine. */
  | { readonly kind: 'guarded'; readonly nix: TreatedSettings; readonly mayFetch: boolean }
  /** Not before a person has approved it: why, as a sentence without its end. */
  | { readonly kind: 'refused'; readonly why: string };

/** Whether what an agent wrote may not have the rights that the owner's own code has. */
export const isDistrusted = async (mirror: string, { repository, candidate, approved }: Asked): Promise<boolean> =>
  approved !== true && (await holdsAgentChange(mirror, repository, candidate));

/**
 * How Nix evaluates and builds a candidate. What an agent wrote is evaluated without sight of the machine, whatever the run says
 * of `--impure`; it is built in Nix's sandbox, also where that is off, for else its builders have the rights of the worker's
 * user; and nothing of the worker's environment is there for builders with a fixed output, which may ask for it. Those have the
 * network of this machine in the sandbox as well, so evaluation builds nothing, unless agents have that network themselves.
 * @param mirror has the candidate
 */
export async function treatmentOf(mirror: string, asked: Asked): Promise<Treatment> {
  const { nix } = asked;
  if (!(await isDistrusted(mirror, asked))) return { kind: 'usual', nix };
  const sandbox = await sandboxOf(nix);
  if (sandbox === 'none') return { kind: 'refused', why: NO_SANDBOX };
  const mayFetch = asked.agentRights?.network === 'host' || sandbox === 'waived';
  // Ours come last: see `evaluationOptions`.
  const options = [
    ...nix.options,
    NO_NATIVE_CODE,
    ...(sandbox === 'ours' ? SANDBOX : []),
    ...(mayFetch ? [] : NO_FETCHES),
  ];
  return { kind: 'guarded', nix: { ...nix, impure: false, options, distrusted: true }, mayFetch };
}

/** What Nix says of an evaluation that needs a build: 2.8 to 2.34. */
export const needsBuild = (error: string): boolean => error.includes("'allow-import-from-derivation' is disabled");

const LETS = 'has the network of the machine (--autofix-network host lets it)';
/** Why a target waits for an approval: as that of a `Treatment`. */
export const EVALUATION_BUILDS = `its evaluation needs a build (import from derivation), whose builders may fetch: what fetches ${LETS}`;
export const ownFetch = (name: string): string => `it would fetch ${name} in a way of its own: what fetches ${LETS}`;

const NO_NATIVE_CODE = ['allow-unsafe-native-code-during-evaluation', 'false'] as const;
const SANDBOX = [
  ['sandbox', 'true'],
  ['sandbox-fallback', 'false'],
] as const;
const NO_FETCHES = [
  ['allow-import-from-derivation', 'false'],
  // What a cache was to have and does not give is not built in its place: only what Nix announces is looked at.
  ['fallback', 'false'],
] as const;
const NO_SANDBOX =
  'Nix builds without its sandbox there: set sandbox = true in its nix.conf, or let builds of this run do without (--nix-option sandbox false)';

/** Who decides about Nix's sandbox: the run's options, which may waive it; the machine, if it has one; else we do. */
async function sandboxOf({ options }: NixSettings): Promise<'owner’s' | 'waived' | 'machine’s' | 'ours' | 'none'> {
  const own = options.findLast(([name]) => name === 'sandbox' || name === 'build-use-sandbox')?.[1];
  if (own !== undefined) return own === 'true' ? 'owner’s' : 'waived';
  // A daemon takes no such setting from those whom it does not trust.
  if ((await ownsStore()) || (await isTrusted()) === true) return 'ours';
  return String((await machineConfiguration())?.sandbox?.value) === 'true' ? 'machine’s' : 'none';
}

/** Whether the builders of this process are its own, and not those of a daemon. */
const ownsStore = (): Promise<boolean> =>
  process.env.NIX_REMOTE === 'daemon'
    ? Promise.resolve(false)
    : access('/nix/var/nix/db', constants.W_OK).then(
        () => true,
        () => false,
      );
