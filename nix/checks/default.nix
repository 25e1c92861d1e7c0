# The checks that only evaluate. Each is a derivation that exists if its tests hold, with `tests` for those who ask one by one.
{
  nixpkgs,
  pkgs,
  # What the worker's units run; it is not built by evaluating them.
  package,
}:

let
  inherit (nixpkgs) lib;
  evaluate = import ./evaluate.nix { inherit nixpkgs pkgs; };

  # Tests are an attribute set from a sentence to whether it holds.
  check =
    name: tests:
    let
      failed = lib.attrNames (lib.filterAttrs (_: holds: !holds) tests);
    in
    pkgs.runCommand "check-${name}" { passthru = { inherit tests; }; } (
      if failed == [ ] then "touch $out" else throw "${name}: ${lib.concatStringsSep "; " failed}"
    );
in
lib.mapAttrs check {
  follow = import ./follow.nix { inherit lib evaluate; };
  lockkeeper-module = import ./lockkeeper.nix { inherit lib evaluate package; };
  nix-flake-updater-module = import ./nix-flake-updater.nix { inherit lib evaluate package; };
  npm-packages = import ./npm-packages.nix { inherit lib pkgs; };
}
