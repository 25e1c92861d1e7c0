# What the module of a worker generates, and what it refuses.
{
  lib,
  evaluate,
  package,
}:

let
  host =
    settings:
    evaluate [
      ../modules/lockkeeper.nix
      {
        services.lockkeeper = {
          enable = true;
          inherit package;
        }
        // settings;
      }
    ];
  service = settings: (host settings).config.systemd.services.lockkeeper;
  refuses = text: settings: lib.any (lib.hasInfix text) (host settings).refusals;
  starts = settings: (service settings).serviceConfig.ExecStart;
  # An option of a wrong type cannot even be looked at.
  isWrong = settings: !(builtins.tryEval (starts settings)).success;
  cluster = {
    address = "temporal.example.org:7233";
    namespace = "fleet";
  };
in
{
  "a single machine keeps a server of its own" =
    starts { } == "${package}/bin/lockkeeper dev --roles=coordinator,builder"
    && !((service { }).environment ? TEMPORAL_ADDRESS);
  "a builder of a cluster says what it does, and where its server is" =
    let
      builder = cluster // {
        roles = [ "builder" ];
        systems = [ "aarch64-linux" ];
        slots = 2;
        metricsPort = 9464;
      };
    in
    starts builder
    == "${package}/bin/lockkeeper worker --roles=builder --systems=aarch64-linux --slots=2 --metrics-port=9464"
    && (service builder).environment.TEMPORAL_ADDRESS == "temporal.example.org:7233"
    && (service builder).environment.TEMPORAL_NAMESPACE == "fleet";
  "a builder takes part in the runs of an account of another machine" =
    lib.hasInfix " worker --roles=builder --user-queue=vincent" (
      starts (
        cluster
        // {
          roles = [ "builder" ];
          userQueue = "vincent";
        }
      )
    );
  "a stop ends the worker alone, and nothing that its builds use goes with it" =
    let
      inherit (service { }) serviceConfig;
    in
    serviceConfig.KillMode == "process"
    && serviceConfig.OOMPolicy == "continue"
    && !serviceConfig.PrivateTmp
    && !(serviceConfig ? RuntimeDirectory)
    && !(serviceConfig ? DynamicUser);
  "secrets reach the worker as credentials" =
    let
      inherit
        (service {
          temporalConfigFile = "/run/secrets/temporal.toml";
          credentials.deploy-key = "/run/secrets/key";
        })
        environment
        serviceConfig
        ;
    in
    serviceConfig.LoadCredential == [
      "deploy-key:/run/secrets/key"
      "temporal.toml:/run/secrets/temporal.toml"
    ]
    && environment.TEMPORAL_CONFIG_FILE == "%d/temporal.toml"
    && !(environment ? TEMPORAL_NAMESPACE);
  "a run key reaches workers and commands as a credential, and what may be run is named" =
    let
      inherit
        (service {
          address = "temporal.example.org:7233";
          runKeyFile = "/run/secrets/run-key";
          allowCommands = [ "claude" ];
        })
        environment
        serviceConfig
        ;
    in
    serviceConfig.LoadCredential == [ "run-key:/run/secrets/run-key" ]
    && environment.LOCKKEEPER_RUN_KEY_FILE == "%d/run-key"
    && lib.hasInfix " --allow-command=claude" serviceConfig.ExecStart;
  "it writes to its own folders, and to what it is given" =
    (service { writablePaths = [ "/srv/git" ]; }).serviceConfig.ReadWritePaths == [
      "/tmp"
      "/var/tmp"
      "-/srv/git"
    ];
  "it writes to the folder of the site" =
    lib.elem "-/srv/www/site"
      (service { instances.fleet = { repoPath = "/src/fleet"; siteDir = "/srv/www/site"; }; })
      .serviceConfig.ReadWritePaths;
  "it has an account of its own, or that of a person" =
    (host { }).config.users.users.lockkeeper.isSystemUser
    && !((host { user = "vincent"; }).config.users.users ? lockkeeper)
    && (service { user = "vincent"; }).serviceConfig.User == "vincent";
  "root keeps the capabilities that reading other people's checkouts takes" =
    (service { }).serviceConfig.CapabilityBoundingSet == ""
    && lib.hasInfix "CAP_DAC_READ_SEARCH" (service { user = "root"; }).serviceConfig.CapabilityBoundingSet;
  "only where coding agents run may the worker make their sandbox" =
    let
      inherit (service {
        roles = [
          "coordinator"
          "agent"
        ];
      }) environment serviceConfig;
    in
    !serviceConfig.RestrictNamespaces
    && lib.hasInfix "bubblewrap" environment.PATH
    && (service { }).serviceConfig.RestrictNamespaces;
  "no agent runs for root: its instances may ask for none, and those of others run beside it" =
    let
      fleet = {
        repoPath = "/src/fleet";
        user = "root";
      };
      home = {
        repoPath = "/src/home";
        autoFix.enable = true;
      };
      both = host { instances = { inherit fleet home; }; };
      inherit (both.config.systemd) services;
    in
    refuses "no agent runs for root" {
      user = "root";
      roles = [
        "coordinator"
        "agent"
      ];
    }
    && refuses "no agent runs for root" { instances.fleet = fleet // { autoFix.enable = true; }; }
    && both.refusals == [ ]
    && lib.hasSuffix " --roles=coordinator,builder" services.lockkeeper-root.serviceConfig.ExecStart
    && services.lockkeeper-root.serviceConfig.RestrictNamespaces
    && lib.hasSuffix " --roles=coordinator,builder,agent" services.lockkeeper.serviceConfig.ExecStart;
  "a coordinator applies its schedules, also when the last instance is gone" =
    (host { }).config.systemd.services ? lockkeeper-apply
    && !((host (cluster // { roles = [ "builder" ]; })).config.systemd.services ? lockkeeper-apply);
  "an account, and inputs in turn, may be those of all instances" =
    let
      shared = host {
        defaults = {
          user = "vincent";
          inputGroups = [
            [ "nixpkgs" ]
            [ "disko" ]
          ];
        };
        instances.fleet.repoUrl = "https://git.example.org/fleet";
      };
      inherit (shared.config.services.lockkeeper.configuration) vincent;
    in
    shared.config.systemd.services.lockkeeper-vincent.serviceConfig.User == "vincent"
    && !(shared.config.systemd.services ? lockkeeper)
    && !(vincent.defaults ? user)
    && lib.length vincent.defaults.inputGroups == 2;
  "no port is opened" =
    let
      inherit ((host { metricsPort = 9464; }).config.networking) firewall;
    in
    firewall.enable && firewall.allowedTCPPorts == [ ] && firewall.interfaces == { };
  "it refuses a builder without a coordinator" = refuses "services.lockkeeper.address" {
    roles = [ "builder" ];
  };
  "it refuses a namespace of no server" = refuses "services.lockkeeper.namespace" { namespace = "fleet"; };
  "it refuses a queue of its own server" = refuses "services.lockkeeper.userQueue" { userQueue = "vincent"; };
  "it refuses a role that there is not" = isWrong { roles = [ "janitor" ]; };
  "it refuses an address without a port" = isWrong { address = "temporal.example.org"; };
  "it refuses a name of no system" = isWrong { systems = [ "x86_64 linux" ]; };
  "nothing else is refused" = (host { }).refusals == [ ] && (host cluster).refusals == [ ];
}
