import type { PathInfo } from '../closure/path-info.js';

/**
 * Of what is below a build that failed, the paths to upload with their closures: what was built, and not fetched, without what another one
 * of them refers to. What another machine built for this one is not known to be built here, but it is not signed, unless that machine signs.
 * @param infos paths that are in the store
 */
export function finishedParts(infos: readonly PathInfo[]): readonly string[] {
  const built = infos.filter((info) => info.isBuiltHere ?? !(info.isContentAddressed || info.signatures.length > 0));
  const below = new Set(built.flatMap(({ path, references }) => references.filter((each) => each !== path)));
  return built.map(({ path }) => path).filter((path) => !below.has(path));
}
