import type { Closure, ClosurePath } from './closure.js';

/** Paths of one package, on each side of an update. */
export interface Sides {
  readonly before: ClosurePath[];
  readonly after: ClosurePath[];
}

/** The paths of two closures by the names of their packages. */
export function byPackage(before: Pick<Closure, 'paths'>, after: Pick<Closure, 'paths'>): ReadonlyMap<string, Sides> {
  const packages = new Map<string, Sides>();
  const add = (side: keyof Sides, { paths }: Pick<Closure, 'paths'>): void => {
    for (const each of paths) {
      let sides = packages.get(each.name.name);
      if (sides === undefined) packages.set(each.name.name, (sides = { before: [], after: [] }));
      sides[side].push(each);
    }
  };
  add('before', before);
  add('after', after);
  return packages;
}
