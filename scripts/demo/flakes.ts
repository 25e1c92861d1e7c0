/**
 * Text of the demo's flakes. They look like a small NixOS fleet and build with nothing but `/bin/sh`: the demo has to run
 * where neither nixpkgs nor a binary cache can be reached.
 */

/** How the versions of the inputs go on when upstream moves. */
export const UPSTREAM = {
  'base-system': { before: '26.05.1', after: '26.05.2' },
  'web-stack': { before: '1.28', after: '1.30' },
  'media-tools': { before: '8.0', after: '8.0' },
} as const;
export type InputName = keyof typeof UPSTREAM;

export const HOSTS = ['athena', 'kyushu', 'okinawa', 'rhea'] as const;
/** Still uses an option that the new web stack has dropped. */
export const BROKEN_HOST = 'rhea';

/** An input that only holds a version, as `nixpkgs` would hold a package. */
export const packageFlake = (name: InputName, version: string): string => `{
  description = "${name} ${version}";
  outputs = { self }: { version = "${version}"; };
}
`;

/** The base system: what `nixpkgs.lib.nixosSystem` is to a real fleet. */
export const baseSystemFlake = (version: string): string => `{
  description = "base-system ${version}";
  outputs = { self }: rec {
    version = "${version}";

    # A build that takes "steps" steps of about a second. In a sandbox without /bin/sleep it counts instead.
    build = { pname, version, steps, fails ? null, ... }@settings: derivation ((removeAttrs settings [ "steps" "fails" ]) // rec {
      name = "\${pname}-\${version}";
      builder = "/bin/sh";
      preferLocalBuild = true;
      allowSubstitutes = false;
      args = [ "-c" ''
        pause() { /bin/sleep 1 2>/dev/null || { n=0; while [ $n -lt 300000 ]; do n=$((n + 1)); done; }; }
        step=0
        echo "building \${name}"
        while [ $step -lt \${toString steps} ]; do
          step=$((step + 1))
          echo "[$step/\${toString steps}] compiling \${name}"
          pause
        done
        \${if fails == null then "" else "echo \\"error: \${fails}\\" >&2; exit 1"}
        echo "\${name}" $inputs > $out
      '' ];
    });

    nixosSystem = { host, system, packages, steps, fails ? null }: {
      config.system.build.toplevel = build {
        pname = "nixos-system-\${host}";
        inherit version system steps fails;
        inputs = packages;
      };
    };
  };
}
`;

interface FleetFlake {
  readonly urls: Readonly<Record<InputName, string>>;
  readonly system: string;
  /** Makes this demo's derivations new ones, so that something is built each time. */
  readonly salt: string;
}

export const fleetFlake = ({ urls, system, salt }: FleetFlake): string => `{
  description = "A fleet of four hosts";

  inputs = {
${Object.entries(urls)
  .map(([name, url]) => `    ${name}.url = "${url}";`)
  .join('\n')}
  };

  outputs = { self, base-system, web-stack, media-tools }:
    let
      system = "${system}";
      package = name: version: steps: base-system.build {
        pname = name;
        salt = "${salt}";
        inherit version system steps;
      };
      nginx = package "nginx" web-stack.version 3;
      ffmpeg = package "ffmpeg" media-tools.version 4;
      openssh = package "openssh" base-system.version 2;
      nixosSystem = settings: base-system.nixosSystem ({ inherit system; } // settings);
      # ${BROKEN_HOST} was never moved off an option that web-stack ${UPSTREAM['web-stack'].after} does not have any more.
      legacyTls = if web-stack.version == "${UPSTREAM['web-stack'].before}" then null
        else "unknown directive 'ssl on' in nginx.conf: nginx \${web-stack.version} has dropped it";
    in {
      nixosConfigurations = {
        athena = nixosSystem { host = "athena"; packages = [ openssh ]; steps = 5; };
        kyushu = nixosSystem { host = "kyushu"; packages = [ openssh nginx ]; steps = 4; };
        okinawa = nixosSystem { host = "okinawa"; packages = [ openssh ffmpeg ]; steps = 3; };
        rhea = nixosSystem { host = "rhea"; packages = [ openssh nginx ]; steps = 2; fails = legacyTls; };
      };
    };
}
`;
