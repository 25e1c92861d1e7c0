# `services.nix-flake-updater.<name>`: instances in the words of the module of that name, run by Lockkeeper.
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
    enable = on "Whether a coding agent tries to mend hosts that break.";
    command = text "pir" "The agent's command.";
    extraArgs = names "Its arguments before -p PROMPT.";
    maxAttempts = option types.ints.positive 3 "Tries for each host.";
    envFile = file "File with credentials for the agent's process alone.";
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
    randomizedDelaySec = option types.ints.unsigned 3600 "It starts up to so many seconds later, at random.";
    flakeInputs = names "Inputs to update; none: all of them.";
    user = text "root" "Account that does it, with its Git and SSH settings. It needs the right to push.";

    gitRemote = text "origin" "Remote to push to.";
    mainBranch = text "main" "Branch that an update starts from.";
    branchPrefix = text "flake-update-" "The update branch is this and the date.";
    autoMerge = on "Whether a good update moves the main branch, instead of being pushed as a branch.";
    dryRun = on "Whether everything is done but the push.";

    ntfyServer = maybe types.str "ntfy server that is told the result; ntfyTopic is needed too.";
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
      # One vocabulary: the options are those of a configuration file. What breaks is reported, and nothing of it lands.
      instances = lib.mapAttrs (
        _: instance:
        removeAttrs instance [ "enable" ]
        // {
          onFailure = lib.mkDefault (lib.optional instance.autoFix.enable "autofix" ++ [ "report" ]);
        }
      ) instances;
    };

    # By time, Temporal starts a run; by hand, a unit does and follows it. A run that is open already is followed, and another
    # one that holds the repository is waited for.
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
            # An activation ends no run.
            restartIfChanged = false;
            # Nothing moved, or nothing that a host is built of.
            serviceConfig.SuccessExitStatus = "2 3";
          }
      )
    ) instances;

    warnings = lib.concatLists (
      lib.mapAttrsToList (
        name: instance:
        lib.optional ((instance.ntfyServer == null) != (instance.ntfyTopic == null)) ''
          services.nix-flake-updater.${name} sends no ntfy messages: it takes both ntfyServer and ntfyTopic.
        ''
      ) instances
    );
  };
}
