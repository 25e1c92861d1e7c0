# What is fetched for the package is what package-lock.json names.
{ lib, pkgs }:

let
  fetched = import ../npm-packages.nix {
    inherit (pkgs)
      lib
      stdenvNoCC
      cacert
      nodejs
      ;
  };
  locked = removeAttrs (lib.importJSON ../../package-lock.json).packages [ "" ];
in
{
  "each package of the lock is fetched by its hash" =
    lib.attrNames fetched == lib.attrNames locked
    && lib.all (path: fetched.${path}.outputHash == locked.${path}.integrity && lib.isString fetched.${path}.drvPath) (
      lib.attrNames locked
    );
  "a package in a scope has a name that the store takes" =
    fetched."node_modules/@temporalio/worker".name
    == "temporalio-worker-${locked."node_modules/@temporalio/worker".version}.tgz";
}
