# For a host that follows a branch of its flake: forwards only, and failures are reported.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.services.lockkeeper.follow;

  # `?ref=` is understood in Git, github:, gitlab: and sourcehut: references alike.
  separator = if lib.hasInfix "?" cfg.flake then "&" else "?";
  reference = cfg.flake + lib.optionalString (cfg.branch != null) "${separator}ref=${cfg.branch}";

  # systemd reads % as a specifier.
  plain = lib.replaceStrings [ "%" ] [ "%%" ];

  credentials = lib.filterAttrs (_: file: file != null) {
    ssh-key = cfg.sshKeyFile;
    https-token = cfg.httpsTokenFile;
    access-tokens = cfg.accessTokensFile;
  };
  loadCredential = lib.mapAttrsToList (name: file: "${name}:${toString file}");

  ssh = "ssh -i %d/ssh-key -o IdentitiesOnly=yes -o BatchMode=yes"
    + lib.optionalString (cfg.knownHostsFile != null) " -o UserKnownHostsFile=${toString cfg.knownHostsFile}";

  # nixos-rebuild would first build itself, but with requireCache nothing is built here.
  noReexec = if lib.versionAtLeast config.system.nixos.release "25.11" then "--no-reexec" else "--fast";

  # Git needs one executable file: the script with this host's shell.
  askpass = pkgs.writeScript "lockkeeper-follow-askpass" (
    "#!${pkgs.runtimeShell}\n" + builtins.readFile ../follow/askpass.sh
  );

  notifies = cfg.ntfyServer != null && cfg.ntfyTopic != null;
  time = types.strMatching "([01][0-9]|2[0-3]):[0-5][0-9]";
  file = description: mkOption {
    type = types.nullOr types.path;
    default = null;
    inherit description;
  };
in
{
  options.services.lockkeeper.follow = {
    enable = lib.mkEnableOption "upgrades of this host to the newest commit of its flake";

    flake = mkOption {
      type = types.strMatching "[^#]+";
      example = "git+https://git.example.org/fleet";
      description = "Flake reference without a fragment and, unless branch is null, without a branch.";
    };

    branch = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "production";
      description = ''
        Branch to follow, such as the host's channel (option `channel` of an instance), which Lockkeeper moves only to commits
        that were built for this host. With null, the reference is taken as it is: without a branch it means the main branch
        of the repository.
      '';
    };

    hostName = mkOption {
      type = types.strMatching "[A-Za-z0-9_][A-Za-z0-9_.-]*";
      default = config.networking.hostName;
      description = "Attribute of this host below nixosConfigurations.";
    };

    requireCache = mkOption {
      type = types.bool;
      default = cfg.branch != null && lib.hasPrefix "nixos-tested-" cfg.branch;
      description = ''
        Whether to apply only systems that are in the binary caches: this host then never builds. On by default for branches
        nixos-tested-…, the usual name of channels, which move when a host's system has been built and uploaded.
      '';
    };

    maxAgeDays = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = 7;
      description = ''
        How old the commit may be that the flake names. A look that finds an older one fails when all else is done, so that it is
        told: whoever moves the branch may have stopped. With null it may be however old.
      '';
    };

    operation = mkOption {
      type = types.enum [
        "switch"
        "boot"
      ];
      default = "switch";
      description = "Whether a new system is activated at once, or by the next boot.";
    };

    dates = mkOption {
      type = types.either types.str (types.listOf types.str);
      default = "04:40";
      description = "When to look, as in systemd.time(7).";
    };

    randomizedDelaySec = mkOption {
      type = types.str;
      default = "45min";
      description = "Random delay, so that not all hosts upgrade at the same time. A time span as in systemd.time(7).";
    };

    persistent = mkOption {
      type = types.bool;
      default = true;
      description = "Whether a run that was missed while the host was off is started later.";
    };

    allowReboot = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the host reboots when kernel, initrd or kernel modules changed.";
    };

    rebootWindow = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            lower = mkOption {
              type = time;
              example = "01:00";
              description = "Start of the time in which it may reboot.";
            };
            upper = mkOption {
              type = time;
              example = "05:00";
              description = "End of that time; if it is earlier than lower, that of the next day.";
            };
          };
        }
      );
      default = null;
      description = "When the host may reboot; null: always. A reboot that is due at another time waits for the next run in this window.";
    };

    flags = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "More arguments for nixos-rebuild.";
    };

    sshKeyFile = file "Private key for Git over ssh.";
    knownHostsFile = file "Host keys for ssh.";
    httpsTokenFile = file "File with a token for Git over HTTPS.";
    accessTokensFile = file "File with a line access-tokens = github.com=… for Nix.";

    ntfyServer = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://ntfy.example.org";
      description = "ntfy server that gets a message when an upgrade fails; needs ntfyTopic too.";
    };
    ntfyTopic = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Topic on that server.";
    };
    ntfyTokenFile = file "File with the access token for that server.";
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !config.system.autoUpgrade.enable;
        message = ''
          services.lockkeeper.follow and system.autoUpgrade would both upgrade this host: disable one of them.
        '';
      }
      {
        assertion = (cfg.ntfyServer == null) == (cfg.ntfyTopic == null);
        message = "services.lockkeeper.follow: ntfyServer and ntfyTopic need each other. Set both or none.";
      }
      {
        assertion = cfg.rebootWindow == null || cfg.rebootWindow.lower != cfg.rebootWindow.upper;
        message = "services.lockkeeper.follow.rebootWindow is empty: lower and upper are the same.";
      }
    ];

    systemd.services.lockkeeper-follow = {
      description = "Upgrade to the newest commit of ${plain cfg.flake}";
      after = [ "network-online.target" ];
      wants = [ "network-online.target" ];
      # The upgrade itself must neither restart nor stop this unit.
      restartIfChanged = false;
      unitConfig = {
        X-StopOnRemoval = false;
      }
      // lib.optionalAttrs notifies { OnFailure = [ "lockkeeper-follow-failed.service" ]; };
      path = [
        config.nix.package
        config.system.build.nixos-rebuild
        config.systemd.package
        pkgs.coreutils
        pkgs.gitMinimal
        pkgs.jq
        pkgs.openssh
        # nixos-rebuild and the fetchers of Nix call these.
        pkgs.gnutar
        pkgs.gzip
        pkgs.xz
      ];
      environment = {
        HOME = "/root";
        FOLLOW_FLAKE = plain reference;
        FOLLOW_HOST = cfg.hostName;
        FOLLOW_OPERATION = cfg.operation;
        FOLLOW_REQUIRE_CACHE = lib.optionalString cfg.requireCache "1";
        FOLLOW_MAX_AGE_DAYS = lib.optionalString (cfg.maxAgeDays != null) (toString cfg.maxAgeDays);
        FOLLOW_ALLOW_REBOOT = lib.optionalString cfg.allowReboot "1";
        FOLLOW_WINDOW = lib.optionalString (
          cfg.rebootWindow != null
        ) "${cfg.rebootWindow.lower}-${cfg.rebootWindow.upper}";
        FOLLOW_PROFILE = "/nix/var/nix/profiles/system";
        FOLLOW_BOOTED = "/run/booted-system";
        GIT_TERMINAL_PROMPT = "0";
      }
      // lib.optionalAttrs (cfg.sshKeyFile != null) { GIT_SSH_COMMAND = ssh; }
      // lib.optionalAttrs (cfg.httpsTokenFile != null) {
        GIT_ASKPASS = askpass;
        FOLLOW_HTTPS_TOKEN_FILE = "%d/https-token";
      }
      // lib.optionalAttrs (cfg.accessTokensFile != null) { NIX_USER_CONF_FILES = "%d/access-tokens"; }
      // config.networking.proxy.envVars;
      startAt = cfg.dates;
      serviceConfig = {
        Type = "oneshot";
        # The script bounds what it fetches; this ends an upgrade that hangs, so that the timer can start the next one.
        TimeoutStartSec = "24h";
        StateDirectory = "lockkeeper-follow";
        StateDirectoryMode = "0700";
        LoadCredential = loadCredential credentials;
        ExecStart = lib.escapeShellArgs (
          [
            pkgs.runtimeShell
            "${../follow/follow.sh}"
          ]
          ++ lib.optional cfg.requireCache noReexec
          ++ cfg.flags
        );
      };
    };

    systemd.timers.lockkeeper-follow.timerConfig = {
      RandomizedDelaySec = cfg.randomizedDelaySec;
      Persistent = cfg.persistent;
    };

    systemd.services.lockkeeper-follow-failed = lib.mkIf notifies {
      description = "Tell that this host could not be upgraded";
      path = [
        config.systemd.package
        pkgs.coreutils
        pkgs.curl
        pkgs.jq
      ];
      environment = {
        FOLLOW_HOST = cfg.hostName;
        FOLLOW_NTFY_SERVER = cfg.ntfyServer;
        FOLLOW_NTFY_TOPIC = cfg.ntfyTopic;
      }
      // lib.optionalAttrs (cfg.ntfyTokenFile != null) { FOLLOW_NTFY_TOKEN_FILE = "%d/ntfy-token"; };
      serviceConfig = {
        Type = "oneshot";
        LoadCredential = lib.optional (cfg.ntfyTokenFile != null) "ntfy-token:${toString cfg.ntfyTokenFile}";
        ExecStart = "${pkgs.runtimeShell} ${../follow/notify-failure.sh}";
      };
    };
  };
}
