import type { ClosureChange, TargetChange } from './closure.js';

interface Changed {
  readonly closure?: TargetChange;
}

/** What a change lists: packages of closures, or of derivations; `null` when it lists none. */
export const listedBy = (change: TargetChange): ClosureChange | null =>
  change.kind === 'compared' ? change : (change.derivations ?? null);

export const withList = (change: TargetChange, list: ClosureChange): TargetChange =>
  change.kind === 'compared' ? { ...change, ...list } : { ...change, derivations: list };

/** What is the same of targets whose packages and vulnerabilities change in the same way, whatever the sizes of their closures. */
export const contentOf = ({ counts, packages, vulnerabilities }: ClosureChange): string =>
  JSON.stringify([counts, packages, vulnerabilities]);

/** The change without its packages and vulnerabilities, which another target lists. */
export function listedAt(change: TargetChange, target: string): TargetChange {
  const list = listedBy(change);
  if (list === null) return change;
  const own = withList(change, { ...list, packages: [], sameAs: target });
  if (own.kind === 'no-base')
    return { ...own, derivations: withoutVulnerabilities({ ...list, packages: [], sameAs: target }) };
  return withoutVulnerabilities(own);
}

function withoutVulnerabilities<T extends ClosureChange>(list: T): T {
  const { vulnerabilities, ...rest } = list;
  return vulnerabilities === undefined ? list : (rest as T);
}

/** Targets of which equal packages are listed once, by the first one that has them. */
export function shareEqual<T extends Changed>(targets: readonly T[], nameOf: (target: T) => string): readonly T[] {
  const owners = new Map<string, string>();
  return targets.map((target) => {
    const list = target.closure === undefined ? null : listedBy(target.closure);
    if (target.closure === undefined || list === null || list.packages.length === 0) return target;
    const content = contentOf(list);
    const owner = owners.get(content);
    if (owner !== undefined) return { ...target, closure: listedAt(target.closure, owner) };
    owners.set(content, nameOf(target));
    return target;
  });
}

/** Targets of which each lists its own packages again. */
export const listEach = <T extends Changed & { readonly name: string }>(targets: readonly T[]): readonly T[] =>
  targets.map(listing(targets));

/** Gives a target its own packages again, if another one of them lists them. */
export function listing<T extends Changed & { readonly name: string }>(targets: readonly T[]): (target: T) => T {
  const byName = new Map(targets.map((target) => [target.name, target.closure]));
  return (target) => {
    const list = target.closure === undefined ? null : listedBy(target.closure);
    if (target.closure === undefined || list?.sameAs === undefined) return target;
    const { sameAs, ...own } = list;
    const owner = byName.get(sameAs);
    const { packages = [], vulnerabilities } = (owner === undefined ? null : listedBy(owner)) ?? {};
    const whole = { ...own, packages, ...(vulnerabilities !== undefined && { vulnerabilities }) };
    return { ...target, closure: withoutReference(withList(target.closure, whole)) };
  };
}

/** A list that was put over another one leaves what only that one had. */
function withoutReference(change: TargetChange): TargetChange {
  if (change.kind === 'no-base') return change;
  const { sameAs, ...rest } = change;
  return sameAs === undefined ? change : rest;
}
