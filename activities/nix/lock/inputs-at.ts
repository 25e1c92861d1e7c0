import { nodesBelow } from '../../../model/flake-lock/sources.js';
import { textAttribute, type FlakeLock, type SourceAttributes } from '../../../model/flake-lock/types.js';

/**
 * Which root inputs of a lock bring along something that is fetched from an address. Nix names addresses in its warnings, and not
 * inputs. Where nothing is at the address, or none is known, it is not known whose it was: then it may be any of them.
 * @param url `null` where Git was asked for something that nothing names
 */
export function inputsAt(lock: FlakeLock, names: readonly string[], url: string | null): readonly string[] {
  const found = names.filter((name) =>
    nodesBelow(lock, name).some(({ locked, original }) =>
      [locked, original].some((source) => source !== null && isAt(source, url)),
    ),
  );
  return found.length === 0 ? names : found;
}

function isAt(source: SourceAttributes, url: string | null): boolean {
  if (url === null) return textAttribute(source, 'type') === 'git';
  const [owner, repo] = [textAttribute(source, 'owner'), textAttribute(source, 'repo')];
  // The forges' own addresses have the repository in their path, GitLab's as one word: projects/owner%2Frepo.
  if (owner !== null && repo !== null)
    return (
      plain(url).includes(`/${plain(owner)}/${plain(repo)}/`) || plain(url).endsWith(`/${plain(owner)}/${plain(repo)}`)
    );
  const own = textAttribute(source, 'url');
  return own !== null && address(own) === address(url);
}

const plain = (text: string): string => text.replace(/%2f/gi, '/').toLowerCase();

const address = (url: string): string => url.replace(/^(?:git|tarball|file)\+/, '').replace(/[?#].*$/, '');
