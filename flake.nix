{
  description = "Keeps NixOS flake repositories up to date, as durable Temporal workflows";

  outputs =
    { self }:
    {
      # The host's side: see docs/nixos.md.
      nixosModules.follow = ./nix/modules/follow.nix;
    };
}
