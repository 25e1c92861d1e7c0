import { attributePath, nixString } from './text.js';

export interface AskedPackage {
  /** Where it may be in a set of packages: attribute paths. */
  readonly attributes: readonly (readonly string[])[];
  /** Store paths by which it is known to be that package: outputs, or its derivation. */
  readonly paths: readonly string[];
}

export interface PackageSets {
  /** Path from the flake's outputs to what a target belongs to: a host or a home with its `pkgs`, or a package itself. */
  readonly holder: readonly string[];
  /** Nix system of the flake's own packages and of those of its nixpkgs; `null` where it is not known. */
  readonly system: string | null;
}

export interface FoundIdentifiers {
  /** Those of its store paths that were asked for. */
  readonly paths: readonly string[];
  /** CPE names, or `vendor` and `product` where it gives no whole name. */
  readonly cpes: readonly (string | { readonly vendor: string; readonly product: string })[];
}

/**
 * A Nix expression that looks for packages and gives a list of `FoundIdentifiers`: of those that are found and say anything in
 * `meta.identifiers`. A package counts only if one of its store paths is one of those asked for, so it does not matter that its name says
 * little about where it is. What throws is left out; what Nix cannot catch, such as `abort`, fails the whole.
 * Source of the shape: `meta.identifiers` of nixpkgs 25.11, `pkgs/stdenv/generic/check-meta.nix`.
 */
export const identifiersExpression = (
  flakeUrl: string,
  { holder, system }: PackageSets,
  asked: readonly AskedPackage[],
): string => `let
  try = fallback: value: let tried = builtins.tryEval value; in if tried.success then tried.value else fallback;
  list = value: try [ ] (if builtins.isList value then value else [ ]);
  set = value: try { } (if builtins.isAttrs value then value else { });
  plain = value: builtins.unsafeDiscardStringContext "\${value}";
  isDerivation = value: builtins.isAttrs value && (value.type or null) == "derivation";
  asked = builtins.fromJSON ${nixString(JSON.stringify(asked))};
  wanted = builtins.listToAttrs (builtins.concatMap ({ paths, ... }: map (name: { inherit name; value = null; }) paths) asked);
  pathsOf = package: builtins.filter (path: wanted ? \${path})
    ([ (plain package.drvPath) ] ++ map (output: plain package.\${output}.outPath) (package.outputs or [ "out" ]));
  cpesOf = meta:
    let
      all = meta.identifiers or { };
      given = builtins.filter builtins.isString
        ([ (all.cpe or null) ] ++ map (each: each.cpe or null) (all.possibleCPEs or [ ]));
      parts = all.cpeParts or { };
    in
      if given != [ ] then given
      else if builtins.isString (parts.vendor or null) && builtins.isString (parts.product or null)
      then [ { inherit (parts) vendor product; } ]
      else [ ];
  # Paths cost more than identifiers, which most packages lack.
  found = package: try [ ] (
    if !isDerivation package then [ ] else
    let
      cpes = cpesOf (package.meta or { });
      paths = if cpes == [ ] then [ ] else pathsOf package;
      told = [ { inherit paths cpes; } ];
    in if paths == [ ] then [ ] else builtins.deepSeq told told);
  flake = builtins.getFlake ${nixString(flakeUrl)};
  holder = flake.outputs.${attributePath(holder)};
  config = set (holder.config or { });
  sets = map set ([ (holder.pkgs or { }) ]${
    system === null
      ? ''
      : ` ++ [
    (flake.outputs.packages.${nixString(system)} or { })
    (flake.outputs.legacyPackages.${nixString(system)} or { })
    (flake.inputs.nixpkgs.legacyPackages.${nixString(system)} or { })
  ]`
  });
  at = value: path:
    if path == [ ] then value
    else if builtins.isAttrs value && value ? \${builtins.head path} then at value.\${builtins.head path} (builtins.tail path)
    else null;
  named = builtins.concatMap ({ attributes, ... }:
    builtins.concatMap (from: builtins.concatMap (path: found (try null (at from path))) attributes) sets) asked;
  inputsOf = package: builtins.concatMap (name: list (package.\${name} or [ ]))
    [ "buildInputs" "nativeBuildInputs" "propagatedBuildInputs" ];
  own = if try false (isDerivation holder) then [ holder ] ++ inputsOf holder else [ ];
  chosen = own
    ++ list (config.environment.systemPackages or [ ])
    ++ list (config.home.packages or [ ])
    ++ builtins.concatMap (user: list (user.home.packages or [ ]))
      (builtins.attrValues (set (config.home-manager.users or { })))
    ++ [ (try null (config.boot.kernelPackages.kernel or null)) ];
in named ++ builtins.concatMap found chosen`;
