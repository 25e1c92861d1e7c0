{
  description = "Keeps NixOS flake repositories up to date, as durable Temporal workflows";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      forAllSystems =
        outputs:
        lib.genAttrs [
          "x86_64-linux"
          "aarch64-linux"
        ] (system: outputs nixpkgs.legacyPackages.${system});
    in
    {
      packages = forAllSystems (pkgs: rec {
        lockkeeper = pkgs.callPackage ./nix/package.nix { };
        default = lockkeeper;
      });

      apps = forAllSystems (pkgs: {
        default = {
          type = "app";
          program = lib.getExe self.packages.${pkgs.stdenv.hostPlatform.system}.lockkeeper;
        };
      });

      overlays.default = final: _: { lockkeeper = final.callPackage ./nix/package.nix { }; };

      # See docs/nixos.md.
      nixosModules = {
        lockkeeper = ./nix/modules/lockkeeper.nix;
        # The same, and services.nix-flake-updater.
        nix-flake-updater = ./nix/modules/nix-flake-updater.nix;
        # The host's side.
        follow = ./nix/modules/follow.nix;
      };

      checks = forAllSystems (
        pkgs:
        let
          inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) lockkeeper;
        in
        {
          inherit lockkeeper;
          vm = import ./nix/checks/vm.nix {
            inherit nixpkgs pkgs;
            inherit (pkgs) temporal-cli;
            package = lockkeeper;
          };
        }
        // import ./nix/checks {
          inherit nixpkgs pkgs;
          package = lockkeeper;
        }
      );

      devShells = forAllSystems (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.git
            pkgs.jq
            pkgs.nix
            pkgs.nodejs
            pkgs.shellcheck
            pkgs.temporal-cli
          ];
        };
      });

      formatter = forAllSystems (pkgs: pkgs.nixfmt-tree);
    };
}
