# What the module of a following host generates, and what it refuses.
{ lib, evaluate }:

let
  host =
    settings:
    evaluate [
      ../modules/follow.nix
      {
        services.lockkeeper.follow = {
          enable = true;
          flake = "git+https://git.example.org/fleet?dir=nix";
        };
      }
      settings
    ];
  service = settings: (host settings).config.systemd.services.lockkeeper-follow;
  refuses = text: settings: lib.any (lib.hasInfix text) (host settings).refusals;
  follow = settings: { services.lockkeeper.follow = settings; };
in
{
  "a host follows the main branch of its repository, which Lockkeeper moves" =
    let
      inherit (service { }) environment serviceConfig;
    in
    environment.FOLLOW_FLAKE == "git+https://git.example.org/fleet?dir=nix"
    && environment.FOLLOW_HOST == "web"
    && environment.FOLLOW_REQUIRE_CACHE == ""
    && environment.FOLLOW_ALLOW_REBOOT == ""
    && serviceConfig.TimeoutStartSec == "24h"
    && serviceConfig.LoadCredential == [ ];
  "a reference is taken as it is, also by systemd" =
    (service (follow {
      flake = lib.mkForce "git+https://git.example.org/the%20fleet";
    })).environment.FOLLOW_FLAKE == "git+https://git.example.org/the%%20fleet";
  "a channel that is named is followed, and nothing is built here" =
    let
      inherit (service (follow { branch = "nixos-tested-web"; })) environment;
    in
    environment.FOLLOW_FLAKE == "git+https://git.example.org/fleet?dir=nix&ref=nixos-tested-web"
    && environment.FOLLOW_REQUIRE_CACHE == "1";
  "any other branch may be built here" =
    (service (follow { branch = "production"; })).environment.FOLLOW_REQUIRE_CACHE == "";
  "the age that the commit may have reaches the unit" =
    (service (follow { maxAgeDays = 7; })).environment.FOLLOW_MAX_AGE_DAYS == "7"
    && (service { }).environment.FOLLOW_MAX_AGE_DAYS == "";
  "a secret reaches the unit as a credential" =
    let
      inherit (service (follow { sshKeyFile = "/run/secrets/key"; })) environment serviceConfig;
    in
    serviceConfig.LoadCredential == [ "ssh-key:/run/secrets/key" ]
    && lib.hasPrefix "ssh -i %d/ssh-key " environment.GIT_SSH_COMMAND;
  "it looks once a day, at another minute on each host" =
    (host { }).config.systemd.timers.lockkeeper-follow.timerConfig.RandomizedDelaySec == "45min";
  "a failure is told where ntfy is given" =
    (service (follow {
      ntfyServer = "https://ntfy.example.org";
      ntfyTopic = "hosts";
    })).unitConfig.OnFailure == [ "lockkeeper-follow-failed.service" ];
  "it refuses to stand beside system.autoUpgrade" = refuses "system.autoUpgrade" {
    system.autoUpgrade.enable = true;
  };
  "it refuses a server without a topic" = refuses "ntfyTopic" (follow {
    ntfyServer = "https://ntfy.example.org";
  });
  "it refuses an empty window" = refuses "rebootWindow" (follow {
    rebootWindow = {
      lower = "01:00";
      upper = "01:00";
    };
  });
  "nothing else is refused" = (host { }).refusals == [ ];
}
