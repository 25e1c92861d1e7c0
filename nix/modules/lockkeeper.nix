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

  # What a configuration file may hold; `lockkeeper config check` then checks it.
  json =
    with types;
    nullOr (oneOf [
      bool
      int
      str
      (attrsOf json)
      (listOf json)
    ])
    // {
      description = "a value of JSON";
    };
  table = types.attrsOf json;

  accountOf = instance: instance.user or cfg.defaults.user or cfg.user;
  accounts =
    if cfg.instances == { } then [ cfg.user ] else lib.unique (map accountOf (lib.attrValues cfg.instances));
  ownInstances = user: lib.filterAttrs (_: instance: accountOf instance == user) cfg.instances;
  asQueue = user: lib.optionalAttrs (units.queueOf user != null) { user = units.queueOf user; };

  asksAgents = instance: instance.autoFix.enable or cfg.defaults.autoFix.enable or false;
  # Root's worker runs no agents: neither those of its instances, nor those of all others.
  rootWithAgents =
    lib.elem "agent" cfg.roles
    && lib.elem "root" accounts
    && (cfg.instances == { } || cfg.roles == [ "agent" ] || lib.any asksAgents (lib.attrValues (ownInstances "root")));

  repositoryOf = instance: instance.repoPath or instance.repoUrl or "";
  sharing = repository: lib.filter (each: repositoryOf each == repository) (lib.attrValues cfg.instances);

  # Secrets are the options whose names end in File, wherever they stand.
  isSecret = path: value: value != null && lib.hasSuffix "File" (lib.last path);
  credentialName = lib.concatStringsSep ".";
  secretsBelow =
    path: value:
    if lib.isAttrs value then
      lib.concatLists (lib.mapAttrsToList (key: secretsBelow (path ++ [ key ])) value)
    else
      lib.optional (isSecret path value) (lib.nameValuePair (credentialName path) value);

  # The configuration of an account's instances: the worker reads secrets where systemd puts them.
  configurationOf =
    user:
    let
      given = {
        defaults = removeAttrs cfg.defaults [ "user" ];
        instances = lib.mapAttrs (_: instance: removeAttrs instance [ "user" ] // asQueue user) (ownInstances user);
      };
      place =
        path: value:
        if isSecret path value then "/run/credentials/${units.unitOf user}.service/${credentialName path}" else value;
    in
    {
      secrets = lib.listToAttrs (secretsBelow [ ] given);
      # Several machines and accounts may apply schedules to one server; each removes only the schedules of its own name.
      # Host names have no underscore.
      content = lib.mapAttrsRecursive place given // {
        name =
          config.networking.hostName
          + lib.optionalString (!units.embedded && user != cfg.user) "_${lib.replaceStrings [ "." ] [ "-" ] user}";
      };
    };

  checkedFile =
    user:
    pkgs.runCommand "${units.unitOf user}.json"
      {
        text = builtins.toJSON cfg.configuration.${user};
        passAsFile = [ "text" ];
      }
      ''
        cp "$textPath" lockkeeper.json
        ${cfg.package}/bin/lockkeeper config check --file-only --config ./lockkeeper.json
        cp lockkeeper.json "$out"
      '';

  writtenFolders =
    user:
    lib.concatMap (
      instance:
      lib.optional (instance.inboxOrg or null != null) (dirOf instance.inboxOrg)
      ++ lib.optional (instance.siteDir or null != null) instance.siteDir
    ) (lib.attrValues (ownInstances user));
in
{
  options.services.lockkeeper = {
    enable = lib.mkEnableOption "the worker of Lockkeeper, which keeps flake repositories up to date";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix { };
      defaultText = "the package of Lockkeeper's flake";
      description = "The package of Lockkeeper.";
    };

    user = option types.str "lockkeeper" "Account of the worker. The account lockkeeper is created; any other must exist.";
    userQueue = maybe (types.strMatching "[A-Za-z_][A-Za-z0-9_.-]*") ''
      On a cluster: work only for runs of instances with this user; null: for runs of instances without user. A builder for
      the instances of another machine's account needs this.
    '';

    address = mkOption {
      type = types.nullOr (types.strMatching "[^[:space:]]+:[0-9]+");
      default = null;
      example = "temporal.example.org:7233";
      description = ''
        Temporal server. With null, and without temporalConfigFile, the worker runs a server of its own, on 127.0.0.1 only
        and with its database in the state directory: right for a single machine.
      '';
    };
    namespace = maybe types.str "Namespace on that server; null: that of temporalConfigFile, or default.";
    temporalConfigFile = maybe types.path ''
      File with Temporal's environment configuration (TOML): address, API key or TLS certificates of the profile default.
      Read by root.
    '';

    runKeyFile = maybe types.path ''
      File with the run key that workers and commands of a server elsewhere share: workers do only what is asked with it. Read
      by root. With null, everybody who may use the namespace of that server can start runs. A server of this machine's own
      makes its own key.
    '';
    allowCommands = mkOption {
      type = types.listOf (types.strMatching "[^[:space:]/]+|/[^[:space:]]+");
      default = [ ];
      example = [ "claude" ];
      description = "The only commands that gates and agents may run; an empty list allows all that runs ask for.";
    };

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
      ]
      ++ lib.optional (lib.any asksAgents (lib.attrValues cfg.instances)) "agent";
      defaultText = "coordinator and builder, and agent if an instance asks for one";
      description = ''
        What this machine does: a coordinator runs updates and lands them, a builder builds and needs no right to push, and with
        the role agent it runs coding agents that fix hosts. A worker of root runs none.
      '';
    };
    systems = mkOption {
      type = types.nullOr (types.nonEmptyListOf (types.strMatching "[a-z0-9_]+-[a-z0-9_]+"));
      default = null;
      example = [ "x86_64-linux" ];
      description = "Nix systems to build for; null: all that this machine's Nix can build, remote builders included.";
    };
    slots = maybe types.ints.positive "Builds at once; null: as many as cores, and at least 4.";
    evalSlots = maybe types.ints.positive "Evaluations at once; null: one for each 4 GiB of memory.";
    healthPort = maybe types.port "Port of 127.0.0.1 for GET /healthz and /readyz.";
    metricsPort = maybe types.port "Port of 127.0.0.1 for Prometheus metrics.";

    hooks = {
      enable = lib.mkEnableOption "listening for webhooks of forges: see docs/webhooks.md";
      port = option types.port 8047 "Port on which it listens.";
      address = option (types.strMatching "[0-9A-Fa-f.:]+") "127.0.0.1" "Address at which it listens.";
      secretFile = mkOption {
        type = types.path;
        example = "/run/secrets/hooks";
        description = "File with the secret of the webhooks, or several, one a line. Read by root.";
      };
    };

    instances = mkOption {
      type = types.attrsOf table;
      default = { };
      example = {
        nightly = {
          repoUrl = "git+ssh://git@example.org/fleet.git";
          schedule = "*-*-* 02:00:00";
          sshKeyFile = "/run/secrets/deploy-key";
        };
      };
      description = ''
        Instances by name, with the options of a configuration file. `user` is the account whose worker does the work: each
        account has a worker of its own, with its own task queues on a cluster, else with its own server. Files of options whose
        names end in File are read by root when the worker starts.
      '';
    };
    defaults = mkOption {
      type = table;
      default = { };
      description = "Options for all instances; an instance may set another value.";
    };
    configuration = mkOption {
      type = types.attrsOf table;
      internal = true;
      readOnly = true;
      default = lib.genAttrs accounts (user: (configurationOf user).content);
      description = "What the configuration file of each account holds.";
    };

    credentials = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = {
        deploy-key = "/run/secrets/deploy-key";
      };
      description = ''
        Files with secrets, which root gives to the worker when it starts, as /run/credentials/lockkeeper.service/NAME. They are
        not copied to the Nix store.
      '';
    };

    writablePaths = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/srv/git/fleet.git" ];
      description = ''
        More paths that the worker may write to, such as a remote on this machine. Its state directory, temporary folders, and
        the folders of inboxOrg and siteDir need not be named.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !units.embedded || lib.elem "coordinator" cfg.roles;
        message = ''
          services.lockkeeper.roles has no coordinator, but this machine would run a Temporal server of its own, which no
          coordinator would use. Set services.lockkeeper.address, or add the role coordinator.
        '';
      }
      {
        assertion = !rootWithAgents;
        message = ''
          services.lockkeeper: no agent runs for root, because to make its sandbox, a worker of root would need nearly all rights
          over the machine. Give the instances that use autoFix another user (or services.lockkeeper.user, for the role agent).
        '';
      }
      {
        assertion = cfg.namespace == null || !units.embedded;
        message = "services.lockkeeper.namespace has an effect only with services.lockkeeper.address or temporalConfigFile.";
      }
      {
        assertion = (cfg.healthPort == null && cfg.metricsPort == null) || lib.length accounts == 1;
        message = ''
          services.lockkeeper.healthPort and metricsPort are for one worker, but each of these accounts has a worker:
          ${lib.concatStringsSep ", " accounts}. Remove them, or give all instances one user.
        '';
      }
      {
        assertion = !cfg.hooks.enable || lib.elem cfg.user accounts;
        message = ''
          services.lockkeeper.hooks listens for the account services.lockkeeper.user, which none of the instances here has.
        '';
      }
      {
        assertion = !cfg.hooks.enable || !units.embedded || lib.length accounts == 1;
        message = ''
          services.lockkeeper.hooks talks to one server, and the instances here have one for each of
          ${lib.concatStringsSep ", " accounts}: set services.lockkeeper.address.
        '';
      }
      {
        assertion = cfg.userQueue == null || !units.embedded;
        message = ''
          services.lockkeeper.userQueue has an effect only with services.lockkeeper.address or temporalConfigFile: a server of
          this machine's own has only this machine's runs.
        '';
      }
    ]
    ++ map (repository: {
      assertion = !units.embedded || lib.length (lib.unique (map accountOf (sharing repository))) == 1;
      message = ''
        services.lockkeeper.instances: several accounts update ${repository}, but could not see one another's runs. Give
        its instances one user, or set services.lockkeeper.address: on one server they take turns.
      '';
    }) (lib.unique (map repositoryOf (lib.attrValues cfg.instances)));

    systemd.services = lib.mkMerge (
      map (
        user:
        {
          ${units.unitOf user} = units.worker {
            inherit user;
            credentials = cfg.credentials // (configurationOf user).secrets;
            writablePaths = cfg.writablePaths ++ writtenFolders user;
          };
        }
        # Also without instances: schedules of earlier ones have to be removed.
        // lib.optionalAttrs (lib.elem "coordinator" cfg.roles) {
          "${units.unitOf user}-apply" =
            lib.recursiveUpdate
              (units.command user [
                "apply"
                "--config"
                (checkedFile user)
              ])
              {
                description = "Make the schedules of ${user} those of the configuration";
                wantedBy = [ "multi-user.target" ];
                # The server may come later than this machine.
                startLimitIntervalSec = 0;
                serviceConfig = {
                  RemainAfterExit = true;
                  Restart = "on-failure";
                  RestartSec = 30;
                };
              };
        }
        // lib.optionalAttrs (cfg.hooks.enable && user == cfg.user) {
          "${units.unitOf user}-hooks" =
            let
              command = units.command user [
                "hooks"
                "--address=${cfg.hooks.address}"
                "--port=${toString cfg.hooks.port}"
                "--secret-file=%d/hook-secret"
              ];
            in
            lib.recursiveUpdate command {
              description = "Webhooks of forges for ${user}";
              wantedBy = [ "multi-user.target" ];
              startLimitIntervalSec = 0;
              serviceConfig = {
                Type = "simple";
                LoadCredential = command.serviceConfig.LoadCredential ++ [ "hook-secret:${toString cfg.hooks.secretFile}" ];
                Restart = "always";
                RestartSec = 10;
              };
            };
        }
      ) accounts
    );

    users = lib.mkIf (cfg.user == "lockkeeper" && lib.elem "lockkeeper" accounts) {
      users.lockkeeper = {
        isSystemUser = true;
        group = "lockkeeper";
        home = "/var/lib/lockkeeper";
        description = "Lockkeeper";
      };
      groups.lockkeeper = { };
    };

    environment = {
      systemPackages = [ cfg.package ];
      # For commands that people type: `--config /etc/lockkeeper/….json`; without it they read that of the account `user`.
      etc = lib.mkIf (cfg.instances != { }) (
        lib.listToAttrs (
          map (user: lib.nameValuePair "lockkeeper/${units.unitOf user}.json" { source = checkedFile user; }) accounts
        )
      );
    };
  };
}
