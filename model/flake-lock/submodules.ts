import { sourceOf, type Source } from './sources.js';
import { textAttribute, type LockNode, type SourceAttributes } from './types.js';

/** Whether a locked source was fetched with its submodules. */
export const hasSubmodules = ({ locked }: LockNode): boolean => locked?.get('submodules') === true;

const IN_ADDRESS = /(?<=[?&])submodules=1(?=[&#]|$)/;

/** Whether what a `flake.nix` says of an input asks for its submodules. */
export const asksForSubmodules = ({ submodules, url }: Readonly<Record<string, unknown>>): boolean =>
  submodules === true || (typeof url === 'string' && IN_ADDRESS.test(url));

/** The same wish for what is committed in the repository itself. */
export const withoutSubmodules = (wish: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  ...wish,
  ...(wish.submodules === true ? { submodules: false } : {}),
  ...(typeof wish.url === 'string' ? { url: wish.url.replace(IN_ADDRESS, 'submodules=0') } : {}),
});

/** Address of the repository that a locked source is of; `null` where it is of none. */
export const repositoryOf = (locked: SourceAttributes): string | null =>
  textAttribute(locked, 'type') === 'git' ? textAttribute(locked, 'url') : null;

/**
 * The address that a submodule is fetched from, as Git understands it.
 * @param url as `.gitmodules` has it
 * @param of address of the repository that has it
 * @returns `null` for what leads out of that repository's host, or is nothing that is known
 */
export function submoduleAddress(url: string, of: string | null): string | null {
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(url) || url.startsWith('/')) return url;
  if (!/^\.\.?(?:\/|$)/.test(url)) {
    const [, host, path] = /^(?:[^@/:]+@)?(\[[\da-f:]+\]|[^@/:[\]]+):(?!:)(.*)$/i.exec(url) ?? [];
    return host === undefined ? null : `ssh://${host}/${path?.replace(/^\/+/, '') ?? ''}`;
  }
  const [, place = '', path] = /^([a-z][a-z\d+.-]*:\/\/[^/]*)?(\/[^?#]*)/i.exec(of ?? '') ?? [];
  if (path === undefined) return null;
  const parts = path.split('/').filter((part) => part !== '');
  let rest = url;
  for (let step = /^(\.\.?)(?:\/+|$)/.exec(rest); step !== null; step = /^(\.\.?)(?:\/+|$)/.exec(rest)) {
    if (step[1] === '..' && parts.pop() === undefined) return null;
    rest = rest.slice(step[0].length);
  }
  // What leads to the host itself may be read as another one.
  return parts.length === 0 && place !== '' ? null : `${place}/${[...parts, rest].join('/')}`;
}

export function submoduleSource(url: string, of: string | null, own: readonly string[]): Source {
  const address = submoduleAddress(url, of);
  return sourceOf(
    new Map([
      ['type', address === null ? 'submodule' : 'git'],
      ['url', address ?? url],
    ]),
    own,
  );
}
