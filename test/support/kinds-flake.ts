import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Fleet } from './fleet.js';

/** Outputs of every kind beside the hosts of a fleet, of the same plain derivations. */
const EVERY_KIND = String.raw`
      nixosConfigurations = builtins.mapAttrs (name: host: host // {
        config = host.config // { system = host.config.system // { build = host.config.system.build // { isoImage = thing "iso-\${name}" "alpha" { }; }; }; };
      }) (removeAttrs nixosHosts [ ]);
      homeConfigurations."alice@web".activationPackage = thing "home-alice" "alpha" { };
      homeConfigurations.bob.activationPackage = throw "bob has moved out";
      darwinConfigurations.mac.system = thing "darwin-mac" "alpha" { };
      packages.x86_64-linux = {
        "a.b" = thing "a-b" "alpha" { };
        same = thing "package-same" "alpha" { };
        two = thing "two" "alpha" { outputs = [ "bin" "dev" ]; args = [ "-c" "echo two > $bin; echo two > $dev" ]; };
        odd = "no derivation at all";
        bad = throw "this package is gone";
      };
      packages.aarch64-darwin = throw "nothing is packaged for darwin";
      checks.x86_64-linux.same = if inputs.beta.lib.version > 1
        then thing "check-same" "beta" { args = [ "-c" "echo the check finds fault >&2; exit 7" ]; }
        else thing "check-same" "beta" { };
      devShells.x86_64-linux.default = thing "shell" "alpha" { args = [ "-c" "echo a shell is not to be built >&2; exit 9" ]; }
        // { inputDerivation = thing "shell-inputs" "alpha" { }; };
      hydraJobs.web = thing "job-web" "alpha" { };
      hydraJobs."x.y".x86_64-linux = thing "job-xy" "alpha" { };
      lib.version = 1;
`;

const THING = String.raw`
      thing = name: input: extra: build {
        inherit name;
        kind = "thing \${name}";
        system = "x86_64-linux";
        script = "echo \${name} > $out";
        extra = { version = toString inputs.\${input}.lib.version; } // extra;
      };
      nixosHosts = {`;

/** Gives the flake of a fleet on the remote's main outputs of every kind. */
export async function addEveryKind(fleet: Fleet): Promise<void> {
  const text = await readFile(path.join(fleet.checkout, 'flake.nix'), 'utf8');
  const [before, hosts] = text.split('    in {\n      nixosConfigurations = {') as [string, string];
  const end = hosts.lastIndexOf('\n      };\n    };');
  const after = hosts.slice(end + '\n      };'.length);
  const unescaped = (nix: string): string => nix.replaceAll('\\$', '$');
  await fleet.pushToMain({
    'flake.nix': `${before}${unescaped(THING)}${hosts.slice(0, end)}\n      };\n    in {${unescaped(EVERY_KIND)}${after}`,
  });
}
