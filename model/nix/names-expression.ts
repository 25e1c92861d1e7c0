import { hasWildcard } from '../text/wildcard.js';
import { nixString } from './text.js';

/** A path in a flake's outputs whose names are looked for; `*` in one stands for any characters. */
export interface LookedPath {
  readonly path: readonly string[];
  /** Whether all names beside the last one are told, and not only those that it means. */
  readonly whole: boolean;
}

export interface NamedSet {
  /** Path to it from the outputs; empty: the outputs themselves. */
  readonly path: readonly string[];
  /** `null` when Nix cannot tell them: evaluating it throws, or it is not a set. */
  readonly names: readonly string[] | null;
}

/** Most names that are told of a set in which nothing is found. */
const TOLD = 200;

/**
 * A Nix expression that looks up paths in a flake's outputs. It evaluates names alone: a member that throws hides no other, and
 * a set that throws hides no other set. Its value is a list of `NamedSet`: for each path the sets that hold its last name, and
 * those in which a way ended before, with the first of their names.
 */
export const namesExpression = (flakeUrl: string, looked: readonly LookedPath[]): string => `let
  names = value:
    let tried = builtins.tryEval (if builtins.isAttrs value then builtins.attrNames value else throw "no set");
    in if tried.success then tried.value else null;
  first = all: builtins.genList (builtins.elemAt all) (if builtins.length all < ${TOLD} then builtins.length all else ${TOLD});
  walk = whole: path: value: steps:
    let
      all = names value;
      found = builtins.filter (builtins.head steps) all;
      rest = builtins.tail steps;
    in
      if all == null then [ { inherit path; names = null; } ]
      else if rest == [ ] && whole then [ { inherit path; names = all; } ]
      else if found == [ ] then [ { inherit path; names = first all; } ]
      else if rest == [ ] then [ { inherit path; names = found; } ]
      else builtins.concatMap (name: walk whole (path ++ [ name ]) value.\${name} rest) found;
  outputs = (builtins.getFlake ${nixString(flakeUrl)}).outputs;
in builtins.concatMap (looked: walk looked.whole [ ] outputs looked.steps) [
${looked.map(({ path, whole }) => `  { whole = ${String(whole)}; steps = [ ${path.map(meant).join(' ')} ]; }`).join('\n')}
]`;

function meant(name: string): string {
  if (name === '*') return '(name: true)';
  if (!hasWildcard(name)) return `(name: name == ${nixString(name)})`;
  const expression = name.replace(/[.[\\()+?{|^$]/g, '\\$&').replaceAll('*', '.*');
  return `(name: builtins.match ${nixString(expression)} name != null)`;
}
