# Four machines: a Temporal server, a Git remote, a worker that updates the flake there while it is restarted, and a host that
# follows the result. The fleet's systems are scripts, so that nothing has to be fetched.
{
  nixpkgs,
  pkgs,
  package,
  temporal-cli,
}:

let
  inherit (pkgs.stdenv.hostPlatform) system;
  # Old versions of nixpkgs have the same test by another name.
  runTest =
    pkgs.testers.runNixOSTest
      or (import "${nixpkgs}/nixos/lib/testing-python.nix" { inherit system pkgs; }).makeTest;

  # A store that is written to, and no network to ask caches in.
  builds = {
    virtualisation.memorySize = 2048;
    virtualisation.writableStore = true;
    nix.extraOptions = "substituters =";
  };

  # A system is a script that shows the motto, built for long enough to be interrupted. The repository holds what builds it.
  flake = pkgs.writeText "flake.nix" ''
    {
      inputs.motto = {
        url = "git://remote/motto?ref=main";
        flake = false;
      };
      outputs =
        { self, motto }:
        {
          nixosConfigurations.host.config.system.build.toplevel = derivation {
            name = "nixos-system-host";
            system = "${system}";
            builder = "''${self}/busybox";
            args = [
              "sh"
              "''${./vm-build-system.sh}"
            ];
            busybox = "''${self}/busybox";
            motto = "''${motto}/motto";
          };
        };
    }
  '';
  # nixos-rebuild wants to see a version, and activates without a PATH.
  buildSystem = pkgs.writeText "vm-build-system.sh" ''
    set -e
    $busybox sleep 20
    $busybox mkdir -p $out/bin
    echo test >$out/nixos-version
    printf '#!/bin/sh\nread -r motto <%s\necho "$motto" >/run/motto\n' "$motto" >$out/bin/switch-to-configuration
    $busybox chmod +x $out/bin/switch-to-configuration
  '';
in
runTest {
  name = "lockkeeper";

  nodes = {
    server = {
      networking.firewall.allowedTCPPorts = [ 7233 ];
      systemd.services.temporal = {
        wantedBy = [ "multi-user.target" ];
        environment.HOME = "/tmp";
        serviceConfig.ExecStart = "${temporal-cli}/bin/temporal server start-dev --headless --ip 0.0.0.0";
      };
    };

    remote = {
      networking.firewall.allowedTCPPorts = [ 9418 ];
      environment.systemPackages = [ pkgs.git ];
      # Whoever is on this network may push: no test of credentials.
      systemd.services.git-daemon = {
        wantedBy = [ "multi-user.target" ];
        serviceConfig = {
          StateDirectory = "git";
          ExecStart = "${pkgs.git}/bin/git daemon --export-all --enable=receive-pack --base-path=/var/lib/git /var/lib/git";
        };
      };
    };

    worker = {
      imports = [
        ../modules/lockkeeper.nix
        builds
      ];
      environment.systemPackages = [ pkgs.git ];
      services.lockkeeper = {
        enable = true;
        inherit package;
        address = "server:7233";
        instances.fleet = {
          repoUrl = "git://remote/fleet";
          autoMerge = true;
          schedule = "Sun 02:00";
        };
      };
    };

    host = {
      imports = [
        ../modules/follow.nix
        builds
      ];
      services.lockkeeper.follow = {
        enable = true;
        flake = "git://remote/fleet";
        branch = "main";
        hostName = "host";
        # What it applies has no nixos-rebuild of its own.
        flags = [ (if pkgs.lib.versionAtLeast pkgs.lib.trivial.release "25.11" then "--no-reexec" else "--fast") ];
      };
    };
  };

  testScript = ''
    start_all()
    server.wait_for_open_port(7233)
    remote.wait_for_open_port(9418)

    lockkeeper = "runuser -u lockkeeper -- env HOME=/var/lib/lockkeeper TEMPORAL_ADDRESS=server:7233 lockkeeper"
    git = "git -c user.name=A -c user.email=a@example.org"

    with subtest("a remote with a flake, whose input moves"):
        remote.succeed(
            "git init --bare --initial-branch=main /var/lib/git/fleet",
            "git init --initial-branch=main /var/lib/git/motto",
            "echo slow >/var/lib/git/motto/motto",
            f"cd /var/lib/git/motto && git add . && {git} commit -m one",
        )
        worker.succeed(
            "mkdir /tmp/fleet && cd /tmp/fleet && git init --initial-branch=main",
            "cp ${flake} /tmp/fleet/flake.nix && cp ${buildSystem} /tmp/fleet/vm-build-system.sh",
            "cp ${pkgs.pkgsStatic.busybox}/bin/busybox /tmp/fleet/busybox && cd /tmp/fleet && git add .",
            "cd /tmp/fleet && nix --extra-experimental-features 'nix-command flakes' flake lock",
            f"cd /tmp/fleet && git add . && {git} commit -m one && git push git://remote/fleet main",
        )
        remote.succeed(
            f"cd /var/lib/git/motto && echo steady >motto && {git} commit -am two"
        )

    with subtest("the worker has applied its schedule"):
        worker.wait_for_unit("lockkeeper-apply.service")
        assert "fleet" in worker.succeed(f"{lockkeeper} schedules")

    with subtest("a run lands although its worker is restarted in the middle of the build"):
        run = worker.succeed(f"{lockkeeper} run fleet").strip()
        worker.wait_until_succeeds(f"{lockkeeper} status {run} | grep -i build")
        worker.succeed("systemctl restart lockkeeper")
        worker.succeed(f"{lockkeeper} watch {run}")
        assert "update" in remote.succeed("git -C /var/lib/git/fleet log --format=%s main")

    with subtest("the host follows"):
        host.succeed("systemctl start lockkeeper-follow")
        assert "steady" in host.succeed("cat /run/motto")
  '';
}
