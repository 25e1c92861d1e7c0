import { BadInput, checkServerUrl } from '../checks/names.js';
import type { Repository } from '../run/options.js';
import { forgeAt, segments, splitUrl } from './hosts.js';
import { FORGE_KINDS, type ForgeKind } from './kinds.js';

/** Where the pull requests of a repository are. */
export interface ForgeAddress {
  readonly kind: ForgeKind;
  /** Web address, without a slash at its end. */
  readonly url: string;
  /** `OWNER/NAME`. */
  readonly repository: string;
}

/** What somebody said of a forge; `null`: it is told by the remote. */
export interface ToldForge {
  readonly kind: ForgeKind | null;
  readonly url: string | null;
}

/**
 * The forge of a repository, by its remote's address and what was said.
 * @throws BadInput that says what to give
 */
export function forgeAddress({ kind, url }: ToldForge, { url: remote, displayUrl, local }: Repository): ForgeAddress {
  const field = 'land';
  const refuse = (wayOut: string): BadInput => new BadInput(field, 'pull-request', wayOut);
  if (local) throw refuse(`needs a forge, and ${displayUrl} has no remote: push it to one, or land as a branch.`);
  const parts = splitUrl(remote);
  if (parts === null && url === null)
    throw refuse(`needs a forge, which ${displayUrl} does not tell: give its address with forge.url (--forge-url).`);
  const known = parts === null ? null : forgeAt(parts.host);
  const found = kind ?? FORGE_KINDS.find((each) => each === known) ?? null;
  if (found === null)
    throw refuse(
      known === null
        ? `needs to know what ${url ?? parts?.host ?? ''} is: give forge.kind (--forge-kind), one of ${FORGE_KINDS.join(', ')}.`
        : `is not there for ${known} yet, but for ${FORGE_KINDS.join(', ')}: land as a branch.`,
    );
  const path = parts?.path ?? segments(remote.replace(/^[a-z+]+:\/\//i, ''));
  const [owner = '', name = ''] = path.slice(-2);
  const repository = `${owner}/${name.replace(/\.git$/, '')}`;
  if (!isRepositoryPath(repository))
    throw refuse(`needs a remote whose address ends in OWNER/NAME, as that of a forge does; it is ${displayUrl}.`);
  // A forge may be below a path of its host.
  const below = parts?.web === true ? parts.path.slice(0, -2).map((part) => `/${part}`) : [];
  const address = url ?? `${parts?.scheme ?? 'https'}://${parts?.host ?? ''}${below.join('')}`;
  return { kind: found, url: checkForgeUrl(address, 'forge.url'), repository };
}

/** Whether a text is `OWNER/NAME` and no way out of it. */
export const isRepositoryPath = (text: string): boolean =>
  text.length <= 200 && /^(?!\.{1,2}\/)[\w.-]+\/(?!\.{1,2}$)[\w.-]+$/.test(text);

/** Web address of a forge. A token travels to it, so only this machine itself is reached without encryption. */
export function checkForgeUrl(value: string, field: string): string {
  const url = checkServerUrl(value, field);
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)) return url;
  throw new BadInput(field, value, 'would carry the token over the network unencrypted: give an https address.');
}
