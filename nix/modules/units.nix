# What the units of an account have in common: one worker for each account, and commands beside it.
{
  config,
  lib,
  pkgs,
}:

let
  cfg = config.services.lockkeeper;
  embedded = cfg.address == null && cfg.temporalConfigFile == null;
  flag = name: value: lib.optional (value != null) "--${name}=${toString value}";
  list = lib.concatStringsSep ",";
  # What the sandbox of an agent takes is nearly all that root may do: root's worker has none.
  rolesOf = user: lib.filter (role: role != "agent" || user != "root") cfg.roles;
  runsAgents = user: lib.elem "agent" (rolesOf user);
  loadCredential = lib.mapAttrsToList (name: file: "${name}:${toString file}");
  server =
    lib.optionalAttrs (cfg.temporalConfigFile != null) { "temporal.toml" = cfg.temporalConfigFile; }
    // lib.optionalAttrs (cfg.runKeyFile != null) { "run-key" = cfg.runKeyFile; };

  # Name of the account's worker, and of its state and cache directories.
  unitOf = user: if user == cfg.user then "lockkeeper" else "lockkeeper-${user}";

  # The account on whose task queues a worker is; with a server of its own it needs none.
  queueOf = user: if user == cfg.user then cfg.userQueue else if embedded then null else user;

  common = user: {
    path = [
      config.nix.package
      pkgs.git
      pkgs.openssh
    ]
    # The agent is the account's own, or everybody's.
    ++ lib.optionals (runsAgents user) [
      pkgs.bubblewrap
      pkgs.slirp4netns
      pkgs.iproute2
      pkgs.util-linux
      "/etc/profiles/per-user/${user}"
      "/run/current-system/sw"
    ];
    environment = {
      # Also root builds through the daemon: the worker needs no right to write to the store.
      NIX_REMOTE = "daemon";
      NODE_EXTRA_CA_CERTS = "/etc/ssl/certs/ca-certificates.crt";
      XDG_CACHE_HOME = "/var/cache/${unitOf user}";
      LOCKKEEPER_STATE_DIR = "/var/lib/${unitOf user}";
    }
    // lib.optionalAttrs (cfg.address != null) { TEMPORAL_ADDRESS = cfg.address; }
    // lib.optionalAttrs (cfg.namespace != null) { TEMPORAL_NAMESPACE = cfg.namespace; }
    // lib.optionalAttrs (cfg.temporalConfigFile != null) { TEMPORAL_CONFIG_FILE = "%d/temporal.toml"; }
    // lib.optionalAttrs (cfg.runKeyFile != null) { LOCKKEEPER_RUN_KEY_FILE = "%d/run-key"; }
    // config.networking.proxy.envVars;
  };
  # What a worker and a command have in common: a command may have to start a worker, and a server.
  service =
    user: writablePaths:
    {
      User = user;
      StateDirectory = unitOf user;
      StateDirectoryMode = "0700";
      CacheDirectory = unitOf user;
      CacheDirectoryMode = "0700";
      ReadWritePaths = [
        "/tmp"
        "/var/tmp"
      ]
      ++ map (path: "-${path}") writablePaths;
      # Builds, and a server of its own that a command started, are for the next worker to find.
      KillMode = "process";
      # A build or an evaluation that the kernel kills for memory is tried again; the others are to go on.
      OOMPolicy = "continue";
    }
    // import ./confinement.nix {
      agent = runsAgents user;
      root = user == "root";
    };
in
{
  inherit embedded queueOf unitOf;

  # A worker. Its builds outlive it: a stop ends the worker alone, and takes nothing from below the builds.
  worker =
    {
      user,
      # Name to file.
      credentials,
      writablePaths,
    }:
    common user
    // {
      description = "Lockkeeper worker of ${user}";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [
        "network-online.target"
        "nix-daemon.socket"
      ];
      # Otherwise the worker would be away for as long as the rest of an activation takes.
      stopIfChanged = false;
      # Keep trying, also when the server is away for hours.
      startLimitIntervalSec = 0;

      serviceConfig = {
        # Nothing here that systemd would want quoted: numbers, and words that the options check.
        ExecStart = toString (
          [
            "${cfg.package}/bin/lockkeeper"
            (if embedded then "dev" else "worker")
            "--roles=${list (rolesOf user)}"
          ]
          ++ flag "user-queue" (queueOf user)
          ++ lib.optional (cfg.systems != null) "--systems=${list cfg.systems}"
          ++ flag "slots" cfg.slots
          ++ flag "eval-slots" cfg.evalSlots
          ++ map (command: "--allow-command=${command}") cfg.allowCommands
          ++ flag "health-port" cfg.healthPort
          ++ flag "metrics-port" cfg.metricsPort
        );
        LoadCredential = loadCredential (credentials // server);
        Restart = "always";
        RestartSec = 10;
        TimeoutStopSec = 30;
      }
      // service user writablePaths;
    };

  # A command that talks to the account's server, and ends.
  command =
    user: arguments:
    common user
    // {
      wants = [ "${unitOf user}.service" ];
      after = [ "${unitOf user}.service" ];
      serviceConfig = {
        Type = "oneshot";
        ExecStart = toString ([ "${cfg.package}/bin/lockkeeper" ] ++ arguments);
        LoadCredential = loadCredential server;
      }
      // service user cfg.writablePaths;
    };
}
