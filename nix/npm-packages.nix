# The npm packages of package-lock.json, as they are named there: each a fixed-output derivation with the hash of the lock,
# so there is no hash here to keep up to date. The lock has no addresses: npm's own client knows where packages are.
{
  lib,
  stdenvNoCC,
  cacert,
  nodejs,
}:

let
  lock = lib.importJSON ../package-lock.json;

  fetch =
    path: entry:
    let
      name = entry.name or (lib.last (lib.splitString "node_modules/" path));
    in
    stdenvNoCC.mkDerivation {
      name = "${lib.replaceStrings [ "@" "/" ] [ "" "-" ] name}-${entry.version}.tgz";
      nativeBuildInputs = [
        nodejs
        cacert
      ];
      outputHash = entry.integrity;
      outputHashMode = "flat";
      impureEnvVars = lib.fetchers.proxyImpureEnvVars;
      buildCommand = ''
        export HOME=$TMPDIR
        npm pack --silent ${lib.escapeShellArg "${name}@${entry.version}"}
        mv ./*.tgz "$out"
      '';
    };
in
lib.mapAttrs fetch (lib.filterAttrs (_: entry: entry ? integrity) lock.packages)
