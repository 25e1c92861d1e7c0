import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { nvd, nvdFile } from '../support/advisories.js';
import { withFleet } from '../support/fleet.js';
import { withServedHouse } from '../support/runs.js';

/** A system as NixOS lays it out, of packages that say what they are as those of nixpkgs do; the input moves all of them. */
const flake = (alpha: string): string =>
  String.raw`{
  inputs.alpha.url = "git+file://${alpha}?ref=main";
  outputs = { self, alpha }: let
    version = toString alpha.lib.version;
    build = script: more: derivation ({
      system = "x86_64-linux"; builder = "/bin/sh"; allowSubstitutes = false;
      salt = "${randomBytes(8).toString('hex')}"; args = [ "-c" script ];
    } // more);
    make = pname: version: meta:
      build "echo $name > $out" { name = "@{pname}-@{version}"; inherit pname version; } // { inherit meta; };
    pkgs.widget = make "widget" version {
      identifiers.cpe = "cpe:2.3:a:acme:widget_server:@{version}:*:*:*:*:*:*:*";
    };
    linux = make "linux" "6.@{version}" { };
    sw = build "echo @{pkgs.widget} > $out" { name = "system-path"; };
    inhibitors = builtins.toFile "inhibitors" (builtins.toJSON { dbus-implementation = version; });
    lay = "/bin/mkdir $out; /bin/ln -s @{sw} $out/sw; /bin/ln -s @{linux} $out/kernel; /bin/ln -s @{inhibitors} $out/switch-inhibitors";
  in {
    nixosConfigurations.athena = {
      inherit pkgs;
      config.system.build.toplevel = build lay { name = "nixos-system-athena-25.11"; };
    };
  };
}
`.replaceAll('@{', '${');

test('a run tells the vulnerability of a package by the product that it says to be, and that the machine has to reboot', async (t) => {
  const fleet = await withFleet(t, { hosts: [], inputs: ['alpha'] });
  await fleet.pushToMain({ 'flake.nix': flake(fleet.inputs.alpha ?? '') });
  const { house } = await withServedHouse(t);
  await fleet.moveInput('alpha');
  const advisories = path.join(fleet.root, 'advisories');
  await mkdir(advisories);
  const modified = new Date().toISOString().slice(0, -1);
  const list = [
    nvd('CVE-2026-1001', 'widget_server', { versionStartIncluding: '2' }, { vendor: 'acme', score: 7.5, modified }),
    nvd('CVE-2026-1002', 'widget_server', {}, { vendor: 'stranger', modified }),
    nvd('CVE-2026-1003', 'widget', {}, { vendor: 'stranger', modified }),
    nvd('CVE-2026-1004', 'linux_kernel', { versionEndExcluding: '6.2' }, { vendor: 'linux', part: 'o', modified }),
  ];
  await writeFile(path.join(advisories, 'nvd.json'), nvdFile(list));

  const more = ['--build-base', '--advisories', advisories];
  const { exitCode, report, stderr } = await house.update(fleet.checkout, ...more);
  assert.equal(exitCode, 0, stderr);
  const closure = report.targets[0]?.closure;
  assert.equal(closure?.kind, 'compared');
  assert.deepEqual(closure.switching, { reboot: ['kernel'], refuses: ['dbus-implementation'] });
  assert.deepEqual(
    closure.packages.map(({ name, before, after, selected }) => [name, before, after, selected ?? false]),
    [
      ['linux', ['6.1'], ['6.2'], false],
      ['widget', ['1'], ['2'], true],
    ],
  );
  const { vulnerabilities } = closure;
  assert.equal(vulnerabilities?.kind, 'checked');
  const told = [...vulnerabilities.fixed, ...vulnerabilities.introduced];
  assert.deepEqual(
    told.map(({ id, tier, package: name, severity }) => [id, tier, name, severity]),
    [
      ['CVE-2026-1004', 'mapped', 'linux', 'unknown'],
      ['CVE-2026-1001', 'exact', 'widget', 'high'],
    ],
  );
  assert.deepEqual(vulnerabilities.warnings, []);

  const shown = (...words: readonly string[]) => house.lockkeeper(['report', report.run, ...words]);
  const page = path.join(fleet.root, 'report.html');
  assert.equal((await shown('--format', 'html', '-o', page)).exitCode, 0);
  const forms = [(await shown()).stdout, (await shown('--format', 'md')).stdout, await readFile(page, 'utf8')];
  for (const form of forms) {
    assert.match(form, /Known vulnerabilities: 1 fixed, 1 new \(high\)/);
    for (const each of ['needs a reboot: new kernel', 'will refuse to switch (dbus-implementation)', 'CVE-2026-1001'])
      assert.ok(form.includes(each), `${each} in ${form}`);
    assert.doesNotMatch(form, /CVE-2026-100[23]/);
  }
});
