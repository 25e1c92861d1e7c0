# A worker as a systemd service. Its builds outlive it: a stop ends the worker alone, and takes nothing from below the builds.
{
  config,
  lib,
  pkgs,
  # Name of the service, and of its state and cache directories.
  unit,
  user,
  # Name to file.
  credentials,
  writablePaths,
  healthPort,
  metricsPort,
}:

let
  cfg = config.services.lockkeeper;
  embedded = cfg.address == null && cfg.temporalConfigFile == null;
  flag = name: value: lib.optional (value != null) "--${name}=${toString value}";
  list = lib.concatStringsSep ",";
  files =
    credentials
    // lib.optionalAttrs (cfg.temporalConfigFile != null) { "temporal.toml" = cfg.temporalConfigFile; };
in
{
  description = "Lockkeeper worker of ${user}";
  wantedBy = [ "multi-user.target" ];
  wants = [ "network-online.target" ];
  after = [
    "network-online.target"
    "nix-daemon.socket"
  ];
  # Without these, the worker would be away for as long as the rest of an activation takes.
  stopIfChanged = false;
  # A server that is away for hours is no reason to give up.
  startLimitIntervalSec = 0;

  path = [
    config.nix.package
    pkgs.git
    pkgs.openssh
  ];

  environment = {
    # Also root builds through the daemon: the worker needs no right to write to the store.
    NIX_REMOTE = "daemon";
    NODE_EXTRA_CA_CERTS = "/etc/ssl/certs/ca-certificates.crt";
    XDG_CACHE_HOME = "/var/cache/${unit}";
    LOCKKEEPER_STATE_DIR = "/var/lib/${unit}";
  }
  // lib.optionalAttrs (cfg.address != null) { TEMPORAL_ADDRESS = cfg.address; }
  // lib.optionalAttrs (cfg.namespace != null) { TEMPORAL_NAMESPACE = cfg.namespace; }
  // lib.optionalAttrs (cfg.temporalConfigFile != null) { TEMPORAL_CONFIG_FILE = "%d/temporal.toml"; }
  // config.networking.proxy.envVars;

  serviceConfig = {
    # Nothing here that systemd would want quoted: numbers, and words that the options check.
    ExecStart = toString (
      [
        "${cfg.package}/bin/lockkeeper"
        (if embedded then "dev" else "worker")
        "--roles=${list cfg.roles}"
      ]
      ++ lib.optional (cfg.systems != null) "--systems=${list cfg.systems}"
      ++ flag "slots" cfg.slots
      ++ flag "eval-slots" cfg.evalSlots
      ++ flag "health-port" healthPort
      ++ flag "metrics-port" metricsPort
    );
    User = user;
    StateDirectory = unit;
    StateDirectoryMode = "0700";
    CacheDirectory = unit;
    CacheDirectoryMode = "0700";
    LoadCredential = lib.mapAttrsToList (name: file: "${name}:${toString file}") files;
    Restart = "always";
    RestartSec = 10;

    # Builds and the server of its own are for the next worker to find.
    KillMode = "process";
    TimeoutStopSec = 30;
    ReadWritePaths = [
      "/tmp"
      "/var/tmp"
    ]
    ++ map (path: "-${path}") writablePaths;
  }
  // import ./confinement.nix
  # Root reads other people's checkouts by its capabilities; nobody else gets any.
  // lib.optionalAttrs (user != "root") {
    AmbientCapabilities = "";
    CapabilityBoundingSet = "";
  };
}
