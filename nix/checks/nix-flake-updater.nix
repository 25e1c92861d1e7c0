# What services.nix-flake-updater makes of the two examples of the module that it takes the place of, and what it refuses.
{
  lib,
  evaluate,
  package,
}:

let
  host =
    instances:
    evaluate [
      ../modules/nix-flake-updater.nix
      {
        services.lockkeeper = { inherit package; };
        services.nix-flake-updater = instances;
      }
    ];
  examples = {
    # Bi-weekly full update with auto-fix
    biweekly = {
      enable = true;
      repoPath = "/home/vincent/src/home";
      buildSystems = [
        "okinawa"
        "kyushu"
        "rhea"
        "athena"
      ];
      schedule = "Sun *-*-1..7,15..21 02:00:00";
      ntfyServer = "https://ntfy.sbr.pm";
      user = "vincent";

      autoFix = {
        enable = true;
        command = "pir";
        extraArgs = [
          "--model"
          "claude-opus-4-6"
          "--no-session"
          "--no-extensions"
          "--no-themes"
        ];
        maxAttempts = 3;
      };
    };
    # Daily update for specific inputs with auto-merge
    daily = {
      enable = true;
      repoPath = "/home/vincent/src/home";
      flakeInputs = [
        "chick-group"
        "chapeau-rouge"
      ];
      autoMerge = true;
      buildSystems = [
        "okinawa"
        "kyushu"
      ];
      schedule = "*-*-* 04:00:00";
      user = "vincent";
    };
  };
  inherit (host examples) config refusals;
  inherit (config.systemd) services;
  inherit (config.services.lockkeeper.configuration.vincent) instances;

  one = settings: host { one = { enable = true; repoPath = "/srv/fleet"; } // settings; };
  rootInstance = settings: (one settings).config.services.lockkeeper.configuration.root.instances.one;
  workers = evaluated: lib.filter (lib.hasPrefix "lockkeeper") (lib.attrNames evaluated.config.systemd.services);
  isWrong = settings: !(builtins.tryEval (builtins.deepSeq (rootInstance settings) true)).success;
in
{
  "the examples are taken as they are" = refusals == [ ];
  "the biweekly example runs on the first and third Sunday, on all its hosts and inputs, with the agent" =
    instances.biweekly.schedule == "Sun *-*-1..7,15..21 02:00:00"
    && instances.biweekly.randomizedDelaySec == 3600
    && instances.biweekly.buildSystems == examples.biweekly.buildSystems
    && instances.biweekly.flakeInputs == [ ]
    && !instances.biweekly.autoMerge
    && instances.biweekly.autoFix == examples.biweekly.autoFix // { envFile = null; }
    && instances.biweekly.onFailure == [
      "autofix"
      "report"
    ];
  "an agent is asked for where an instance wants one" =
    lib.hasInfix "--roles=coordinator,builder,agent" services.lockkeeper-vincent.serviceConfig.ExecStart
    && !(lib.hasInfix "agent" (one { }).config.systemd.services.lockkeeper-root.serviceConfig.ExecStart);
  "the daily example moves main each night, for two inputs on two hosts, without the agent" =
    instances.daily.schedule == "*-*-* 04:00:00"
    && instances.daily.flakeInputs == examples.daily.flakeInputs
    && instances.daily.autoMerge
    && !instances.daily.autoFix.enable;
  "the rest is as it was" =
    rootInstance { } == {
      repoPath = "/srv/fleet";
      buildSystems = [ ];
      schedule = "weekly";
      randomizedDelaySec = 3600;
      flakeInputs = [ ];
      gitRemote = "origin";
      mainBranch = "main";
      branchPrefix = "flake-update-";
      autoMerge = false;
      dryRun = false;
      ntfyServer = null;
      ntfyTopic = null;
      ntfyTokenFile = null;
      inboxOrg = null;
      autoFix = {
        enable = false;
        command = "pir";
        extraArgs = [ ];
        maxAttempts = 3;
        envFile = null;
      };
      onFailure = [ "report" ];
    };
  "a unit of the old name starts the run of its instance and follows it, as its user" =
    let
      inherit (services.nix-flake-updater-daily) serviceConfig wants;
    in
    serviceConfig.ExecStart
    == "${package}/bin/lockkeeper run daily --watch --config /etc/lockkeeper/lockkeeper-vincent.json"
    && serviceConfig.User == "vincent"
    && serviceConfig.SuccessExitStatus == "2 3"
    && wants == [ "lockkeeper-vincent.service" ]
    && config.environment.etc ? "lockkeeper/lockkeeper-vincent.json";
  "one worker for each account, with a state directory of its own" =
    workers (host examples) == [
      "lockkeeper-vincent"
      "lockkeeper-vincent-apply"
    ]
    && services.lockkeeper-vincent.serviceConfig.User == "vincent"
    && services.lockkeeper-vincent.serviceConfig.StateDirectory == "lockkeeper-vincent"
    && services.lockkeeper-vincent.environment.LOCKKEEPER_STATE_DIR == "/var/lib/lockkeeper-vincent"
    && workers (host (examples // {
      other = {
        enable = true;
        repoPath = "/srv/fleet";
      };
    })) == [
      "lockkeeper-root"
      "lockkeeper-root-apply"
      "lockkeeper-vincent"
      "lockkeeper-vincent-apply"
    ];
  "an activation applies the schedules" =
    let
      inherit (services.lockkeeper-vincent-apply) serviceConfig wantedBy;
    in
    lib.hasInfix " apply --config /nix/store/" serviceConfig.ExecStart && wantedBy == [ "multi-user.target" ];
  "a secret is read by root, and the worker's configuration names where it is then" =
    let
      with-token = one {
        ntfyServer = "https://ntfy.example.org";
        ntfyTopic = "nix";
        ntfyTokenFile = "/run/secrets/ntfy";
        autoFix.envFile = "/run/secrets/agent.env";
      };
      configured = with-token.config.services.lockkeeper.configuration.root.instances.one;
    in
    with-token.config.systemd.services.lockkeeper-root.serviceConfig.LoadCredential == [
      "instances.one.autoFix.envFile:/run/secrets/agent.env"
      "instances.one.ntfyTokenFile:/run/secrets/ntfy"
    ]
    && configured.ntfyTokenFile == "/run/credentials/lockkeeper-root.service/instances.one.ntfyTokenFile"
    && configured.autoFix.envFile == "/run/credentials/lockkeeper-root.service/instances.one.autoFix.envFile";
  "the inbox may be written to, where everything else is read-only" =
    lib.elem "-/home/vincent/org"
      (one { inboxOrg = "/home/vincent/org/inbox.org"; }).config.systemd.services.lockkeeper-root.serviceConfig.ReadWritePaths;
  "an instance that is not enabled is none" =
    let
      inherit (host { off.repoPath = "/srv/fleet"; }) config;
    in
    !config.services.lockkeeper.enable && !(config.systemd.services ? nix-flake-updater-off);
  "ntfy without a topic is said to tell nobody" =
    lib.any (lib.hasInfix "biweekly sends no ntfy messages") config.warnings
    && !(lib.any (lib.hasInfix "daily sends") config.warnings);
  "it refuses two accounts for one repository" =
    lib.any (lib.hasInfix "several accounts update /home/vincent/src/home") (host (
      examples // { daily = examples.daily // { user = "root"; }; }
    )).refusals;
  "on a cluster each account has a worker on task queues of its own, and they may share a repository" =
    let
      cluster = evaluate [
        ../modules/nix-flake-updater.nix
        {
          services.lockkeeper = {
            inherit package;
            address = "temporal.example.org:7233";
            user = "vincent";
          };
          services.nix-flake-updater = examples // {
            audit = examples.daily // {
              user = "root";
              dryRun = true;
            };
          };
        }
      ];
      inherit (cluster.config.services.lockkeeper) configuration;
      starts = name: cluster.config.systemd.services.${name}.serviceConfig.ExecStart;
    in
    cluster.refusals == [ ]
    && workers cluster == [
      "lockkeeper"
      "lockkeeper-apply"
      "lockkeeper-root"
      "lockkeeper-root-apply"
    ]
    && lib.hasInfix " worker --roles=coordinator,builder --user-queue=root" (starts "lockkeeper-root")
    && lib.hasInfix " worker --roles=coordinator,builder,agent" (starts "lockkeeper")
    && !(lib.hasInfix "--user-queue" (starts "lockkeeper"))
    && configuration.root.instances.audit.user == "root"
    && !(configuration.vincent.instances.daily ? user)
    # Neither removes the schedules of the other.
    && configuration.root.name == "web_root"
    && configuration.vincent.name == "web";
  "it refuses options that there are not, and values of another type" =
    isWrong { autoMege = true; }
    && isWrong { buildSystems = "okinawa"; }
    && isWrong { autoFix.maxAttempts = 0; }
    && isWrong { randomizedDelaySec = -1; }
    && isWrong { onFailure = [ "hold-back" ]; }
    && isWrong { ntfyTokenFile = "secrets/ntfy"; };
}
