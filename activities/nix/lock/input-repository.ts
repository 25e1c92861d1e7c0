import { gitAddress } from '../../../model/flake-lock/compare-url.js';
import { textAttribute, type SourceAttributes } from '../../../model/flake-lock/types.js';
import type { NixSettings } from '../../../model/run/options.js';
import type { InputRepository } from '../../git/input-commits.js';
import { accessTokenFor } from '../access-tokens.js';
import type { FetchProxy } from './fetch-proxy.js';

/** The Git repository that a source comes from, as far as that is known. @throws `TokenFile` */
export async function inputRepository(
  source: SourceAttributes,
  nix: NixSettings,
  proxy: Pick<FetchProxy, 'passage'>,
): Promise<InputRepository | null> {
  const url = gitAddress(source);
  if (url === null) return null;
  // Nix uses its tokens for what the forges' own kinds of inputs fetch, and Git's own credentials for the others.
  const token = textAttribute(source, 'type') === 'git' ? null : await accessTokenFor(nix, url);
  return { url, token, variables: proxy.passage()?.variables ?? {} };
}
