import type { FoundIdentifiers } from '../nix/identifiers-expression.js';
import { isObject, objects, textOf, texts } from './advisory.js';
import { cpeParts, isAny } from './cpe.js';
import type { Product } from './products.js';

/**
 * Attributes of nixpkgs that a package may be by its name and versions: `openssl`, `openssl_3` or `openssl3`, `bashInteractive`,
 * `python313Packages.requests`. A guess that is wrong finds nothing, or another package, which its store path tells.
 */
export function attributesOf(name: string, versions: readonly string[]): readonly (readonly string[])[] {
  const [, python, module = ''] = /^python(3(?:\.\d+)?)-(.+)$/.exec(name) ?? [];
  if (python !== undefined)
    return [`python${python.replace('.', '')}Packages`, 'python3Packages'].flatMap((set) =>
      spellings(module).map((each) => [set, each]),
    );
  const perl = /^perl5[\d.]*-(.+)$/.exec(name)?.[1];
  if (perl !== undefined) return [['perlPackages', perl.replaceAll('-', '')]];
  const series = versions.flatMap((version) => {
    const [major, minor] = version.match(/\d+/g) ?? [];
    if (major === undefined) return [];
    const both = minor === undefined ? [] : [`_${major}_${minor}`, `${major}${minor}`, `_${major}${minor}`];
    return [`_${major}`, major, ...both];
  });
  const all = spellings(name).flatMap((each) => [each, ...series.map((end) => `${each}${end}`)]);
  return [...new Set(all)].map((each) => [each]);
}

const spellings = (name: string): readonly string[] => [
  ...new Set([
    name,
    name.toLowerCase(),
    name.replaceAll('-', '_'),
    name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  ]),
];

/** What an evaluation of `identifiersExpression` gave; what is none is left out. */
export function readIdentifiers(json: string): readonly FoundIdentifiers[] {
  return objects(JSON.parse(json) as unknown).map(({ paths, cpes }) => ({
    paths: texts(paths),
    cpes: (Array.isArray(cpes) ? cpes : []).flatMap((each): FoundIdentifiers['cpes'] => {
      if (!isObject(each)) return texts([each]);
      const [vendor, product] = [textOf(each.vendor), textOf(each.product)];
      return vendor === null || product === null ? [] : [{ vendor, product }];
    }),
  }));
}

/** Products that a package says to be, each once. */
export function exactProducts(cpes: FoundIdentifiers['cpes']): readonly Product[] {
  const products = new Map<string, Product>();
  for (const each of cpes) {
    const named = typeof each === 'string' ? cpeParts(each) : null;
    const [origin = '', product = ''] = named?.slice(3, 5) ?? (typeof each === 'string' ? [] : partsOf(each));
    if (origin === '' || product === '' || isAny(origin) || isAny(product)) continue;
    products.set(`${origin}:${product}`, { origin, product, tier: 'exact' });
  }
  return [...products.values()];
}

const partsOf = ({ vendor, product }: { readonly vendor: string; readonly product: string }): readonly string[] =>
  [vendor, product].map((part) => part.replace(/\\(.)/g, '$1').toLowerCase());
