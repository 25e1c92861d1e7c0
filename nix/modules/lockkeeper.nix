# The worker of Lockkeeper on this machine: see docs/nixos.md.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.services.lockkeeper;
  units = import ./units.nix { inherit config lib pkgs; };

  option =
    type: default: description:
    mkOption { inherit type default description; };
  maybe = type: option (types.nullOr type) null;
in
{
  options.services.lockkeeper = {
    enable = lib.mkEnableOption "the worker of Lockkeeper, which keeps flake repositories up to date";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix { };
      defaultText = "the package of Lockkeeper's flake";
      description = "What to run.";
    };

    user = option types.str "lockkeeper" "Account of the worker; lockkeeper is made if it is that.";

    address = mkOption {
      type = types.nullOr (types.strMatching "[^[:space:]]+:[0-9]+");
      default = null;
      example = "temporal.example.org:7233";
      description = ''
        Temporal server. With null, and without temporalConfigFile, the worker keeps a server of its own, on 127.0.0.1 alone
        and with its database in the state directory: right for a single machine.
      '';
    };
    namespace = maybe types.str "Namespace on that server; null: that of temporalConfigFile, or default.";
    temporalConfigFile = maybe types.path ''
      File with Temporal's environment configuration (TOML): address, API key or TLS certificates of the profile default.
      Read by root.
    '';

    roles = mkOption {
      type = types.nonEmptyListOf (
        types.enum [
          "coordinator"
          "builder"
          "agent"
        ]
      );
      default = [
        "coordinator"
        "builder"
      ];
      description = ''
        What this machine does: a coordinator runs updates and lands them, a builder builds and needs no right to push, an agent
        mends hosts with a coding agent.
      '';
    };
    systems = mkOption {
      type = types.nullOr (types.nonEmptyListOf (types.strMatching "[a-z0-9_]+-[a-z0-9_]+"));
      default = null;
      example = [ "x86_64-linux" ];
      description = "Nix systems to build for; null: what this machine's Nix builds by itself.";
    };
    slots = maybe types.ints.positive "Builds at once; null: as many as cores, and at least 4.";
    evalSlots = maybe types.ints.positive "Evaluations at once; null: one for each 4 GiB of memory.";
    healthPort = maybe types.port "Port of 127.0.0.1 for GET /healthz and /readyz.";
    metricsPort = maybe types.port "Port of 127.0.0.1 for Prometheus metrics.";

    credentials = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = {
        deploy-key = "/run/secrets/deploy-key";
      };
      description = ''
        Files with secrets that the worker gets from root when it starts, as
        /run/credentials/lockkeeper.service/NAME. Nothing of them is copied to the Nix store.
      '';
    };

    writablePaths = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/srv/git/fleet.git" ];
      description = ''
        Paths that the worker may write to besides its state directory, temporary folders and org-mode inboxes: a remote on
        this machine, for example.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.address != null || cfg.temporalConfigFile != null || lib.elem "coordinator" cfg.roles;
        message = ''
          services.lockkeeper.roles: a builder gets its work from a coordinator, and this machine would keep a Temporal server
          of its own that no coordinator uses. Set services.lockkeeper.address.
        '';
      }
      {
        assertion = cfg.namespace == null || cfg.address != null || cfg.temporalConfigFile != null;
        message = "services.lockkeeper.namespace is of use only with services.lockkeeper.address or temporalConfigFile.";
      }
    ];

    systemd.services.lockkeeper = units.worker { inherit (cfg) user credentials writablePaths; };

    users = lib.mkIf (cfg.user == "lockkeeper") {
      users.lockkeeper = {
        isSystemUser = true;
        group = "lockkeeper";
        home = "/var/lib/lockkeeper";
        description = "Lockkeeper";
      };
      groups.lockkeeper = { };
    };

    environment.systemPackages = [ cfg.package ];
  };
}
