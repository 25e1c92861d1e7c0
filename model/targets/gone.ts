import { hasWildcard } from '../text/wildcard.js';
import { meansPath } from './choose.js';
import { DEFAULT_KIND, outputKinds, targetLabel, type FlakeTarget } from './index.js';
import type { AnyTarget, OutputKind } from './types.js';

/**
 * Labels of targets that a flake had and has no more. A set that does not evaluate is one target with a pattern for its name, such as
 * `home:*`: which ones it holds is not known, so that one is not gone when it evaluates, nor are those that it may hold when it does not.
 */
export function goneTargets(before: readonly FlakeTarget[], after: readonly FlakeTarget[]): readonly string[] {
  const there = new Set(after.map(targetLabel));
  const unknown = after.filter(standsForSet).map(pathOf);
  return before
    .filter((target) => !there.has(targetLabel(target)) && !standsForSet(target))
    .filter((target) => !unknown.some((pattern) => meansPath(pattern, pathOf(target))))
    .map(targetLabel);
}

const pathOf = ({ kind, name }: FlakeTarget): readonly string[] =>
  (outputKinds[kind] as OutputKind<AnyTarget>).path(name);

/** Names of hosts may hold whatever they like. */
const standsForSet = (target: FlakeTarget): boolean => target.kind !== DEFAULT_KIND && pathOf(target).some(hasWildcard);
