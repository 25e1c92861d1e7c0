/**
 * A pattern of paths, read as gitignore(5) reads one: without a slash it speaks of names in any folder, with one it begins at
 * the root; a folder that it matches is meant with all that is in it. `*` and `?` stop at a slash, `**` does not.
 * @returns a function that says whether a path from the root of the repository is meant
 */
export function pathPattern(pattern: string): (path: string) => boolean {
  const anchored = pattern.replace(/\/+$/, '').includes('/');
  const text = pattern.replace(/^\/+|\/+$/g, '');
  const source = text
    .split(/(\*\*\/|\/\*\*$|\*\*|\*|\?)/)
    .map((part) => WILDCARDS.get(part) ?? part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('');
  const expression = new RegExp(`^${anchored ? '' : '(?:.*/)?'}${source}(?:/.*)?$`, 'is');
  return (path) => expression.test(path);
}

const WILDCARDS: ReadonlyMap<string, string> = new Map([
  ['**/', '(?:.*/)?'],
  ['/**', '/.*'],
  ['**', '.*'],
  ['*', '[^/]*'],
  ['?', '[^/]'],
]);
