import type { Closure, ClosurePath } from './closure.js';

export interface Sides {
  readonly before: ClosurePath[];
  readonly after: ClosurePath[];
}

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
