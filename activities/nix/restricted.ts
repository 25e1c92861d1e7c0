import { readableFlakeLock } from '../../model/flake-lock/parse.js';
import { sourceOf } from '../../model/flake-lock/sources.js';
import { allInputs } from '../../model/flake-lock/walk.js';
import type { NixSettings } from '../../model/run/options.js';
import { flakeText } from '../git/flake-files.js';
import { openGit } from '../git/git.js';
import { atLeast } from '../../model/nix/version.js';
import type { FlakeAtCommit } from './flake-file.js';
import { nixVersion } from './version.js';

/** What an evaluation may fetch from wherever it is: as inputs are spelled, and as `fetchurl` and `fetchGit` are given them. */
const OPEN = [
  ...['https', 'http', 'ftp', 'ssh', 'git', 'github', 'gitlab', 'sourcehut', 'flake'],
  ...['git+https', 'git+http', 'git+ssh', 'git+git', 'hg+https', 'hg+http', 'hg+ssh'],
  ...['tarball+https', 'tarball+http', 'file+https', 'file+http'],
].map((scheme) => `${scheme}:`);

/**
 * Settings for evaluating a flake in which it may fetch from folders and files of the machine only what its lock names, or what lies
 * beside that: Nix compares beginnings up to a slash. Where the owner lets evaluation see the machine, and before Nix 2.26, where
 * the same settings refuse `github:` inputs, nothing is added. The owner's own `restrict-eval` holds.
 */
export async function restricted(flake: FlakeAtCommit, nix: NixSettings): Promise<NixSettings> {
  if (nix.impure || !atLeast(await nixVersion(), 2, 26)) return nix;
  const text = await flakeText(openGit(flake.mirror), flake.repository, flake.commit, 'flake.lock');
  const allowed = [...OPEN, ...localSources(text)].join(' ');
  return { ...nix, options: [['restrict-eval', 'true'], ...nix.options, ['extra-allowed-uris', allowed]] };
}

function localSources(text: string | null): readonly string[] {
  const lock = readableFlakeLock(text);
  const places = (lock === null ? [] : allInputs(lock)).flatMap(({ edge }) => {
    if (edge.kind === 'follows' || edge.node.locked === null) return [];
    const local = /^(path:|(?:[a-z]+\+)?file:\/\/)(\/.*)$/s.exec(sourceOf(edge.node.locked, []).text);
    if (local === null) return [];
    const [, scheme = '', path = ''] = local;
    const folder = path
      .slice(0, path.lastIndexOf('/') + 1)
      .split('/')
      .map(encodeURIComponent)
      .join('/');
    const schemes = scheme === 'file://' ? [scheme, `tarball+${scheme}`, `file+${scheme}`] : [scheme];
    return schemes.map((each) => `${each}${folder}`);
  });
  return [...new Set(places)].sort();
}
