# A NixOS host made of the given modules, evaluated and never built: its `config`, and the messages of what it refuses.
{ nixpkgs, pkgs }:

modules:
let
  inherit (nixpkgs) lib;
  inherit
    (import "${nixpkgs}/nixos/lib/eval-config.nix" {
      inherit (pkgs.stdenv.hostPlatform) system;
      modules = [
        {
          networking.hostName = "web";
          boot.loader.grub.enable = false;
          fileSystems."/" = {
            device = "/dev/vda";
            fsType = "ext4";
          };
        }
      ]
      ++ modules;
    })
    config
    ;
in
{
  inherit config;
  refusals = map (each: each.message) (lib.filter (each: !each.assertion) config.assertions);
}
