import { nameList } from './words.js';
import { isFlakeTarget, nounOf, targetLabel } from '../targets/index.js';
import type { Verdict } from '../verify/verdict.js';

export interface Verified {
  readonly verdicts: readonly Verdict[];
  /** Names of the targets whose failure stops the landing. */
  readonly required: readonly string[];
  readonly brokenOnBase: readonly string[];
  /** Whether the owner lets broken targets be left behind. */
  readonly leavesBehind: boolean;
  /** Whether evaluation may see the machine. */
  readonly impure: boolean;
}

/**
 * What was broken before excuses a host, never all of them: an update that not one host was verified with must not land.
 * Where broken hosts may be left behind, any host counts; else one that is required, if there are such.
 * @returns why nothing lands, with the likely ways out; `null` when a host was built, or there is none
 */
export function nothingVerified({ verdicts, required, brokenOnBase, leavesBehind, impure }: Verified): string | null {
  const hosts = verdicts.filter(({ target }) => isFlakeTarget(target));
  const asked = hosts.filter(({ target }) => required.includes(targetLabel(target)));
  const counted = leavesBehind || asked.length === 0 ? hosts : asked;
  if (counted.length === 0 || counted.some(({ verdict }) => verdict === 'built')) return null;
  const names = counted.map(({ target }) => targetLabel(target));
  const noun = nounOf(hosts.map(({ target }) => target.kind));
  const which = `not one ${counted === asked && asked.length < hosts.length ? 'required ' : ''}${noun} was built (${nameList(names)})`;
  const before = names.every((name) => brokenOnBase.includes(name));
  return [
    `Nothing is known of this update, because ${which}.`,
    ...(before ? [`${names.length === 1 ? 'It was' : 'All of them were'} broken before the update as well.`] : []),
    wayOut(counted, impure),
  ].join(' ');
}

function wayOut(verdicts: readonly Verdict[], impure: boolean): string {
  const said = verdicts.map(({ error }) => error ?? '').join('\n');
  if (said.includes('Git filter'))
    return 'Let the flake evaluate without the files that a Git filter decrypts: keep those secrets out of what Nix reads.';
  if (!impure && /--impure|pure eval/.test(said)) return 'They need --impure (impure = true in a configuration).';
  const pure = impure ? '' : ' --impure,';
  return `If they build elsewhere, they may need${pure} a secret or a file that is not committed, or a file that a Git filter such as git-crypt keeps encrypted.`;
}
