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

  # What a configuration file may hold; `lockkeeper config check` has the last word about it.
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
      # Several machines and accounts may apply schedules to one server, and each removes none but those of its name. Names
      # of hosts have no underscore.
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
      description = "What to run.";
    };

    user = option types.str "lockkeeper" "Account of the worker; lockkeeper is made if it is that.";
    userQueue = maybe (types.strMatching "[A-Za-z_][A-Za-z0-9_.-]*") ''
      Account of a cluster whose runs that worker takes part in, and in no others; null: those of nobody in particular. A
      builder for the instances of another machine's account takes this.
    '';

    address = mkOption {
      type = types.nullOr (types.strMatching "[^[:space:]]+:[0-9]+");
      default = null;
      example = "temporal.example.org:7233";
      description = ''
        Temporal server. With null, and without temporalConfigFile, the worker keeps a server of its own, on 127.0.0.1 alone
        and with its database in the state directory: right for a single machine.
      '';
    };
    namespace = maybe types.str "Namespace on that server; null: that of temporalConfigFile, or default.";
    temporalConfigFile = maybe types.path ''
      File with Temporal's environment configuration (TOML): address, API key or TLS certificates of the profile default.
      Read by root.
    '';

    runKeyFile = maybe types.path ''
      File with the run key that workers and commands share: they do only what is asked with it. Read by root. With null, a
      server elsewhere is open to all who may use its namespace; a server of its own has a key of its own.
    '';
    allowCommands = mkOption {
      type = types.listOf (types.strMatching "[^[:space:]/]+|/[^[:space:]]+");
      default = [ ];
      example = [ "claude" ];
      description = "Commands that gates and agents may be; with none here all that runs ask for.";
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
      ++ lib.optional (lib.any (instance: instance.autoFix.enable or false) (lib.attrValues cfg.instances)) "agent";
      defaultText = "coordinator and builder, and agent if an instance asks for one";
      description = ''
        What this machine does: a coordinator runs updates and lands them, a builder builds and needs no right to push, an agent
        mends hosts with a coding agent.
      '';
    };
    systems = mkOption {
      type = types.nullOr (types.nonEmptyListOf (types.strMatching "[a-z0-9_]+-[a-z0-9_]+"));
      default = null;
      example = [ "x86_64-linux" ];
      description = "Nix systems to build for; null: what this machine's Nix builds by itself.";
    };
    slots = maybe types.ints.positive "Builds at once; null: as many as cores, and at least 4.";
    evalSlots = maybe types.ints.positive "Evaluations at once; null: one for each 4 GiB of memory.";
    healthPort = maybe types.port "Port of 127.0.0.1 for GET /healthz and /readyz.";
    metricsPort = maybe types.port "Port of 127.0.0.1 for Prometheus metrics.";

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
        Instances by name, with the options of a configuration file. `user` is the account whose worker does the work: one for
        each account, with task queues of its own on a cluster, and else with a server of its own. Options that name a file are
        read by root when the worker starts.
      '';
    };
    defaults = mkOption {
      type = table;
      default = { };
      description = "Options of all instances that do not say otherwise.";
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
        Files with secrets that the worker gets from root when it starts, as
        /run/credentials/lockkeeper.service/NAME. Nothing of them is copied to the Nix store.
      '';
    };

    writablePaths = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/srv/git/fleet.git" ];
      description = ''
        Paths that the worker may write to besides its state directory, temporary folders and org-mode inboxes: a remote on
        this machine, for example.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !units.embedded || lib.elem "coordinator" cfg.roles;
        message = ''
          services.lockkeeper.roles: a builder gets its work from a coordinator, and this machine would keep a Temporal server
          of its own that no coordinator uses. Set services.lockkeeper.address.
        '';
      }
      {
        assertion = cfg.namespace == null || !units.embedded;
        message = "services.lockkeeper.namespace is of use only with services.lockkeeper.address or temporalConfigFile.";
      }
      {
        assertion = (cfg.healthPort == null && cfg.metricsPort == null) || lib.length accounts == 1;
        message = ''
          services.lockkeeper.healthPort and metricsPort are of one worker, and the instances here have one for each of
          ${lib.concatStringsSep ", " accounts}.
        '';
      }
      {
        assertion = cfg.userQueue == null || !units.embedded;
        message = ''
          services.lockkeeper.userQueue is of use only with services.lockkeeper.address or temporalConfigFile: a server of its own
          holds no runs but this machine's.
        '';
      }
    ]
    ++ map (repository: {
      assertion = !units.embedded || lib.length (lib.unique (map accountOf (sharing repository))) == 1;
      message = ''
        services.lockkeeper.instances: several accounts update ${repository}, and could not see one another's runs. Give
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
        # Also without instances: those that were there before have to go.
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
      # For commands that people type: `--config /etc/lockkeeper/….json`, and without it that of the account `user`.
      etc = lib.mkIf (cfg.instances != { }) (
        lib.listToAttrs (
          map (user: lib.nameValuePair "lockkeeper/${units.unitOf user}.json" { source = checkedFile user; }) accounts
        )
      );
    };
  };
}
