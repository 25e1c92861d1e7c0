import { createHash } from 'node:crypto';

/** Text of the flakes that a fleet is made of. Plain derivations with `/bin/sh`: no nixpkgs, no sandbox. */

export type Breakage = 'build' | 'eval' | 'build-after-move' | 'eval-after-move';

export interface HostSpec {
  /** Attribute name under `nixosConfigurations`; dots and `@` are fine. */
  readonly name: string;
  /** Input that the host is built from, or `all` of them; default: the fleet's first one. */
  readonly input?: string;
  /** How long the builder of the system sleeps; default 0. */
  readonly seconds?: number;
  /** How the host is broken; `…-after-move` breaks only once its input has moved. */
  readonly fail?: Breakage;
  /**
   * Sets of inputs: the host breaks once all of one set have moved, and those with a `!` before them have not. `alpha=2` is
   * alpha at its second version alone.
   */
  readonly brokenBy?: readonly (readonly string[])[];
  /** How `brokenBy` breaks it; default: its build. */
  readonly brokenIn?: 'build' | 'eval' | 'package';
  /** Numbered lines, padded to a width, that a broken builder of the system prints before it breaks. */
  readonly longLog?: { readonly lines: number; readonly width: number };
  /** The step that takes `HUNGER_MB` of memory; default: none. */
  readonly hungryIn?: 'build' | 'eval';
  /** Default `x86_64-linux`. */
  readonly system?: string;
}

export interface FleetFlake {
  readonly hosts: readonly HostSpec[];
  /** Input names and the URLs that they are fetched from. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Inputs whose own input `below` follows another input of the fleet. */
  readonly follows: Readonly<Record<string, string>>;
  /** File that every builder appends one line to. */
  readonly counter: string;
  /** Makes the derivations of this fleet differ from those of every other. */
  readonly salt: string;
  readonly selfRev: boolean;
  /** Whether binary caches are asked for what the hosts are made of. */
  readonly substitutes: boolean;
  /** Body of the flake's own `nixConfig`, for example `max-jobs = 1;`. */
  readonly nixConfig: string;
  /** Whether it has a formatter for `nix fmt`, which takes spaces from the ends of lines. */
  readonly formatter: boolean;
}

/** A formatter is a package with a program of its name: nix3-fmt(1). It is given the paths to format. */
const FORMATTER = String.raw`
      formatter.x86_64-linux = build {
        name = "fleet-fmt";
        kind = "formatter";
        system = "x86_64-linux";
        script = "/bin/mkdir -p $out/bin; printf '#!/bin/sh\\nexec find \"$@\" -name \"*.nix\" -exec sed -i \"s/ *$//\" {} +\\n' > $out/bin/fleet-fmt; /bin/chmod +x $out/bin/fleet-fmt";
        extra = { };
      };`;

/** What a hungry step takes at least, in MiB: most of it is a text that was doubled over and over. */
export const HUNGER_MB = 256;
const DOUBLINGS = Math.log2((HUNGER_MB * 2 ** 20) / 16);

/**
 * Words of the command that the builder of a host's system waits with. `sleep` adds its arguments up: the second one, less
 * than a tenth of a second, tells this host of this fleet from all others that are built on the machine.
 */
export const sleepOf = (host: HostSpec, salt: string): readonly string[] => {
  const digits = parseInt(createHash('sha256').update(`${salt} ${host.name}`).digest('hex').slice(0, 12), 16);
  return ['/bin/sleep', String(host.seconds ?? 0), `0.0${digits}`];
};

/** A Nix string literal. */
const quote = (text: string): string => `"${text.replace(/[\\"$]/g, '\\$&')}"`;

/**
 * An input: a flake whose whole content is its version number.
 * @param below URL of an input of its own, `below`; `null` when it has none
 */
export const inputFlake = (below: string | null): string => `{
${below === null ? '' : `  inputs.below.url = ${quote(below)};\n`}  outputs = { self, ... }: { lib.version = import ./version.nix; };
}
`;

/** The versions of all inputs, one digit each. */
const ALL_VERSIONS =
  'builtins.fromJSON (builtins.concatStringsSep "" (map (input: toString input.lib.version) (builtins.attrValues (removeAttrs inputs [ "self" ]))))';

function hostText(host: HostSpec, { inputs, salt }: FleetFlake): string {
  const input = host.input ?? Object.keys(inputs)[0] ?? '';
  return `      ${quote(host.name)} = host {
        name = ${quote(host.name)};
        label = ${quote(host.name.replace(/[^A-Za-z0-9._-]/g, '-'))};
        sleep = ${quote(sleepOf(host, salt).join(' '))};
        fail = ${quote(host.fail ?? 'never')};
        lines = ${quote(String(host.longLog?.lines ?? 0))};
        width = ${quote(String(host.longLog?.width ?? 0))};
        hungry = ${quote(host.hungryIn ?? 'nowhere')};
        system = ${quote(host.system ?? 'x86_64-linux')};
        version = ${input === 'all' ? ALL_VERSIONS : `inputs.${quote(input)}.lib.version`};
        brokenIn = if ${movedExpression(host.brokenBy)} then ${quote(host.brokenIn ?? 'build')} else "nothing";
      };`;
}

function hasMoved(condition: string): string {
  const [name = '', version] = condition.replace('!', '').split('=');
  const state = condition.startsWith('!') ? '== 1' : version === undefined ? '> 1' : `== ${version}`;
  return `inputs.${quote(name)}.lib.version ${state}`;
}

/** A Nix expression that is true once all inputs of one set have moved. */
const movedExpression = (sets: HostSpec['brokenBy'] = []): string =>
  ['false', ...sets.map((set) => set.map(hasMoved).join(' && '))].map((all) => `(${all})`).join(' || ');

/** The `flake.nix` of a fleet: each host is a system and one package that the system depends on. */
export function fleetFlake(fleet: FleetFlake): string {
  const inputs = Object.entries(fleet.inputs).map(([name, url]) => `    ${quote(name)}.url = ${quote(url)};`);
  const follows = Object.entries(fleet.follows).map(
    ([name, other]) => `    ${quote(name)}.inputs.below.follows = ${quote(other)};`,
  );
  return `{
${fleet.nixConfig === '' ? '' : `  nixConfig = { ${fleet.nixConfig} };\n`}  inputs = {
${[...inputs, ...follows].join('\n')}
  };
  outputs = { self, ... }@inputs:
    let
      build = { name, kind, system, script, extra }: derivation ({
        inherit name system;
        builder = "/bin/sh";
        # Mostly nobody else has them, and asking a binary cache that cannot be reached takes seconds.
        allowSubstitutes = ${String(fleet.substitutes)};
        salt = ${quote(fleet.salt)};
        args = [ "-c" "echo \\"\${kind}\\" >> ${fleet.counter}; \${script}" ];
      } // extra);
      host = { name, label, sleep, fail, hungry, lines, width, system, version, brokenIn }:
        let
          moved = version > 1;
          chatter = if lines == "0" then "" else "i=0; while [ $i -lt \${lines} ]; do i=$((i + 1)); printf '%0\${width}d\\n' $i; done; ";
          meal = if hungry == "build" then "x=0123456789abcdef; i=0; while [ $i -lt ${DOUBLINGS} ]; do x=$x$x; i=$((i + 1)); done; " else "";
          grown = n: if n == 0 then "0123456789abcdef" else let text = grown (n - 1); in text + text;
          broken = how: fail == how || brokenIn == how || (fail == "\${how}-after-move" && moved);
          package = build {
            inherit system;
            name = "package-\${label}";
            kind = "package \${name}";
            script = "echo package of version $version; \${if broken "package" then "exit 9" else "echo $version > $out"}";
            extra = { version = toString version; };
          };
          toplevel = build {
            inherit system;
            name = "nixos-system-\${label}";
            kind = "system \${name}";
            script = if broken "build"
              then "echo building \${label}; \${chatter}\${sleep}; echo 'error: option boot.loader of \${label} is gone' >&2; exit 7"
              else "echo building \${label}; \${meal}\${sleep}; read version < $package; echo $version > $out";
            extra = { inherit package; }${fleet.selfRev ? ' // { revision = self.rev or "dirty"; }' : ''};
          };
        in {
          config.system.build.toplevel =
            if hungry == "eval" && builtins.stringLength (grown ${DOUBLINGS}) == 0 then throw "it cannot be empty"
            else if broken "eval" then throw "the option 'services.\${name}' does not exist" else toplevel;
        };
    in {
      nixosConfigurations = {
${fleet.hosts.map((host) => hostText(host, fleet)).join('\n')}
      };${fleet.formatter ? FORMATTER : ''}
    };
}
`;
}
