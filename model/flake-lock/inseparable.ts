import type { FlakeLock } from './types.js';
import { demandsOf, losingMixes, type Choice } from './mixes.js';

/** Inputs that can only move together: root inputs, one of which follows something that another one brings. */
export type InseparableInputs = readonly string[];

/** Groupings that are looked at where a loss can be avoided in several ways; past it the first one found is taken. */
const GROUPINGS_LIMIT = 200;

/**
 * Moved root inputs in groups that can be composed apart: in any choice of groups, nothing follows what is not there. Two
 * are in one group only because a choice that parts them loses something, and there are as many groups as can be. All of
 * them together are the candidate itself, so there is such a grouping. Groups and their inputs keep the order of `moved`.
 */
export function inputGroups(
  base: FlakeLock,
  candidate: FlakeLock,
  moved: readonly string[],
): readonly InseparableInputs[] {
  const locks = { base, candidate };
  const demands = demandsOf(locks);
  /** Joins of which one has to be made; none when every choice of these groups composes. */
  const neededJoins = (groups: readonly InseparableInputs[]): readonly Join[] => {
    let needed: readonly Join[] = [];
    for (const demand of demands) {
      for (const choices of losingMixes(locks, groups, demand)) {
        const joins = joinsAgainst(choices);
        if (joins.length === 1) return joins;
        if (needed.length === 0) needed = joins;
      }
    }
    return needed;
  };
  const looked = new Set<string>();
  let finest: readonly InseparableInputs[] = [];
  const todo: (readonly InseparableInputs[])[] = [moved.map((name) => [name])];
  for (let groups = todo.pop(); groups !== undefined; groups = todo.pop()) {
    const spelled = JSON.stringify(groups);
    if (looked.has(spelled) || groups.length <= finest.length) continue;
    if (looked.size >= GROUPINGS_LIMIT && finest.length > 0) break;
    looked.add(spelled);
    const joins = neededJoins(groups);
    if (joins.length === 0) finest = groups;
    todo.push(...joins.map((join) => joined(groups, join)).reverse());
  }
  return finest.map((group) => moved.filter((name) => group.includes(name)));
}

type Join = readonly [string, string];

/**
 * What keeps a mix from being made: to join one that is of base in it with one that is of the candidate, neighbours on the
 * way first. Nothing does when all are of one lock: then the mix is in that lock itself, or what is not to move is in its way.
 */
function joinsAgainst(choices: readonly Choice[]): readonly Join[] {
  const pairs = choices.flatMap((one, index) =>
    choices
      .slice(index + 1)
      .flatMap((other, between): { readonly join: Join; readonly between: number }[] =>
        one.side === other.side ? [] : [{ join: [one.input, other.input], between }],
      ),
  );
  return pairs.sort((one, other) => one.between - other.between).map(({ join }) => join);
}

/** The groups with those of two inputs as one, in the place of the first. */
function joined(groups: readonly InseparableInputs[], join: Join): readonly InseparableInputs[] {
  const [first, ...others] = groups.filter((group) => join.some((name) => group.includes(name)));
  return groups
    .filter((group) => !others.includes(group))
    .map((group) => (group === first ? [first, ...others].flat() : group));
}
