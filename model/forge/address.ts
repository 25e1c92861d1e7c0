import { BadInput, checkServerUrl, keepsSecrets } from '../checks/names.js';
import { forgeAt, segments, splitUrl, type UrlParts } from './hosts.js';
import { forges } from './index.js';
import { FORGE_KINDS, type ForgeKind } from './kinds.js';

export interface ForgeAddress {
  readonly kind: ForgeKind;
  /** Web address, without a slash at its end. */
  readonly url: string;
  /** `OWNER/NAME`; where repositories may be in groups within groups, with these between the two. */
  readonly repository: string;
}

interface Remote {
  readonly url: string;
  readonly displayUrl: string;
  readonly local: boolean;
}

/** What somebody said of a forge; `null`: it is told by the remote. */
export interface ToldForge {
  readonly kind: ForgeKind | null;
  readonly url: string | null;
}

/**
 * The forge of a repository, by its remote's address and what was said.
 * @param asks the option that asks for it, and its value
 * @throws BadInput that says what to give
 */
export function forgeAddress(
  { kind, url }: ToldForge,
  { url: remote, displayUrl, local }: Remote,
  asks: readonly [option: string, value: string] = ['land', 'pull-request'],
): ForgeAddress {
  const refuse = (wayOut: string): BadInput => new BadInput(...asks, wayOut);
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
  const { below, path } = splitPath(found, url, remote, parts);
  const repository = path.join('/').replace(/\.git$/, '');
  if (!isRepositoryPath(found, repository))
    throw refuse(`needs a remote whose address ends in OWNER/NAME, as that of a forge does; it is ${displayUrl}.`);
  const address =
    url ?? `${parts?.scheme ?? 'https'}://${parts?.host ?? ''}${below.map((part) => `/${part}`).join('')}`;
  return { kind: found, url: checkForgeUrl(address, 'forge.url'), repository };
}

/** Which part of a remote's path leads to the forge, where that is below a path of its host, and which to the repository. */
function splitPath(kind: ForgeKind, url: string | null, remote: string, parts: UrlParts | null) {
  const path = parts?.path ?? segments(remote.replace(/^[a-z+]+:\/\//i, ''));
  if (forges[kind].hasGroups && parts !== null) {
    // Groups look like a path of the host. Only the address of the forge tells.
    const told = parts.web && url !== null && URL.canParse(url) ? segments(new URL(url).pathname) : [];
    const isBelow = told.every((part, index) => part === path[index]);
    return { below: [], path: isBelow ? path.slice(told.length) : path };
  }
  return { below: parts?.web === true ? path.slice(0, -2) : [], path: path.slice(-2) };
}

/** Parts of a repository's whole name, where groups may be within groups. */
const MOST_PARTS = 21;

/** Whether a text is `OWNER/NAME`, or `OWNER/GROUP/NAME` where such may be, and no way out of it. */
export function isRepositoryPath(kind: ForgeKind, text: string): boolean {
  const parts = text.split('/');
  const most = forges[kind].hasGroups ? MOST_PARTS : 2;
  return text.length <= 500 && parts.length >= 2 && parts.length <= most && parts.every((part) => PART.test(part));
}
const PART = /^(?!\.{1,2}$)[\w.-]+$/;

/** Number or client id of a GitHub App. */
export function checkAppId(value: string, field: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,63}$/.test(value)) return value;
  throw new BadInput(field, value, 'is not the id of a GitHub App: its settings show it.');
}

/** Web address of a forge. A token travels to it, so only this machine itself is reached without encryption. */
export function checkForgeUrl(value: string, field: string): string {
  const url = checkServerUrl(value, field);
  if (keepsSecrets(url)) return url;
  throw new BadInput(field, value, 'would carry the token over the network unencrypted: give an https address.');
}
