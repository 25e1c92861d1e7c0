# `services.nix-flake-updater.<name>`: the options of the module of that name, run by Lockkeeper.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  instances = lib.filterAttrs (_: instance: instance.enable) config.services.nix-flake-updater;
  units = import ./units.nix { inherit config lib pkgs; };

  option =
    type: default: description:
    mkOption { inherit type default description; };
  on = option types.bool false;
  text = option types.str;
  maybe = type: option (types.nullOr type) null;
  file =
    description:
    mkOption {
      type = types.nullOr types.path;
      default = null;
      # A path would be copied to the store where it is turned into text.
      apply = path: if path == null then null else toString path;
      inherit description;
    };
  names = option (types.listOf types.str) [ ];

  autoFix = {
    enable = on "Whether a coding agent tries to fix hosts that break.";
    command = text "pir" "The agent's command.";
    extraArgs = names "Its arguments before -p PROMPT.";
    maxAttempts = option types.ints.positive 3 "Attempts for each host.";
    envFile = file "File with NAME=VALUE lines, passed only to the agent.";
  };

  instance.options = {
    enable = lib.mkEnableOption "this instance";
    repoPath = mkOption {
      type = types.str;
      example = "/home/vincent/src/home";
      description = "Checkout of the flake. It is never touched: its remote is fetched from and pushed to.";
    };
    buildSystems = names "Hosts of nixosConfigurations to build; none: all of them.";
    schedule = text "weekly" "When it runs, as OnCalendar in systemd.time(7).";
    randomizedDelaySec = option types.ints.unsigned 3600 "Random delay of the start, at most so many seconds.";
    flakeInputs = names "Inputs to update; none: all of them.";
    user = text "root" "Account that does the work, with its Git and SSH settings. It needs the right to push.";

    gitRemote = text "origin" "Remote to push to.";
    mainBranch = text "main" "Branch that an update starts from.";
    branchPrefix = text "flake-update-" "The update branch is this and the date.";
    autoMerge = on "Whether a good update moves the main branch, instead of being pushed as a branch.";
    dryRun = on "Whether everything is done but the push.";

    ntfyServer = maybe types.str "ntfy server that gets the result; needs ntfyTopic too.";
    ntfyTopic = maybe types.str "Topic on that server.";
    ntfyTokenFile = file "File with the access token for it.";
    inboxOrg = maybe types.str "Org-mode file that gets a TODO entry when a run fails.";

    inherit autoFix;
  };
in
{
  imports = [ ./lockkeeper.nix ];

  options.services.nix-flake-updater = mkOption {
    type = types.attrsOf (types.submodule instance);
    default = { };
    description = "Named updates of flakes, each on its own.";
  };

  config = lib.mkIf (instances != { }) {
    services.lockkeeper = {
      enable = lib.mkDefault true;
      # The options have the names of a configuration file. What breaks is reported, and nothing lands.
      instances = lib.mapAttrs (
        _: instance:
        removeAttrs instance [ "enable" ]
        // {
          onFailure = lib.mkDefault (lib.optional instance.autoFix.enable "autofix" ++ [ "report" ]);
        }
      ) instances;
    };

    # Temporal's schedules start runs; this unit starts one by hand and follows it. It follows a run that is open already, and
    # waits for another run of the repository.
    systemd.services = lib.mapAttrs' (
      name: instance:
      lib.nameValuePair "nix-flake-updater-${name}" (
        lib.recursiveUpdate
          (units.command instance.user [
            "run"
            name
            "--watch"
            "--config"
            "/etc/lockkeeper/${units.unitOf instance.user}.json"
          ])
          {
            description = "Update the flake of ${name}";
            # An activation does not end a run.
            restartIfChanged = false;
            # 2: no input moved; 3: no closure changed.
            serviceConfig.SuccessExitStatus = "2 3";
          }
      )
    ) instances;

    warnings = lib.concatLists (
      lib.mapAttrsToList (
        name: instance:
        lib.optional ((instance.ntfyServer == null) != (instance.ntfyTopic == null)) ''
          services.nix-flake-updater.${name} sends no ntfy messages: it needs both ntfyServer and ntfyTopic.
        ''
      ) instances
    );
  };
}
