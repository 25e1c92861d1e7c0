import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { run } from '../../activities/command/process.js';
import { inBatches } from '../../activities/nix/advisories/in-batches.js';
import { createCompareClosures } from '../../activities/nix/closure/compare-closures.js';
import { readChange } from '../../host/kept-change.js';
import { exists } from '../../host/files.js';
import type { VulnerabilityChange } from '../../model/advisories/vulnerability.js';
import type { CompareClosuresInput } from '../../model/contract/verification.js';
import type { FlakeTarget } from '../../model/targets/index.js';
import { nvd, nvdFile } from '../support/advisories.js';
import { commitFiles, git } from '../support/git.js';
import { withPlace, type Place } from '../support/repository.js';

/** Two systems and a package of packages that say what they are as those of nixpkgs do, which a version moves. */
const flake = (salt: string, version: string, old: string): string =>
  String.raw`{
  outputs = { self }: let
    make = pname: version: meta: derivation {
      name = "@{pname}-@{version}"; inherit pname version;
      system = "x86_64-linux"; builder = "/bin/sh"; salt = "${salt}"; args = [ "-c" "echo $name > $out" ];
    } // { inherit meta; };
    cpe = vendor: product: "cpe:2.3:a:@{vendor}:@{product}:${version}:*:*:*:*:*:*:*";
    pkgs = {
      widget = make "widget" "${version}" { identifiers.cpe = cpe "acme" "widget_server"; };
      series_${version} = make "series" "${version}" { identifiers = {
        cpeParts = { vendor = "acme"; product = "series"; };
        possibleCPEs = [ { cpe = cpe "acme" "series\\.js"; } ];
      }; };
      liar = make "liar" "other" { identifiers.cpe = cpe "acme" "nothing"; };
      thrower = make "thrower" "${version}" { identifiers.cpe = throw "no identifiers today"; };
      ${old}
    };
    liar = make "liar" "${version}" { };
    chosen = make "chosen" "${version}" { identifiers.cpeParts = { part = "a"; vendor = "acme"; product = "picked"; }; };
    system = name: derivation {
      inherit name;
      system = "x86_64-linux"; builder = "/bin/sh";
      args = [ "-c" "echo $packages > $out" ];
      packages = [ liar chosen ] ++ builtins.attrValues (removeAttrs pkgs [ "liar" ]);
    };
    host = name: pkgs: { inherit pkgs; config = {
      environment.systemPackages = [ (throw "not for this machine") chosen ];
      system.build.toplevel = system "nixos-system-@{name}-25.11";
    }; };
  in {
    nixosConfigurations.web = host "web" pkgs;
    nixosConfigurations.silent = host "silent" (abort "nobody may look");
    packages.x86_64-linux.widget = pkgs.widget;
  };
}
`.replaceAll('@{', '${');

const WEB: FlakeTarget = { kind: 'nixos', name: 'web' };

/** Builds a target of a commit. */
async function build({ remote }: Place, commit: string, attribute: string): Promise<string> {
  const url = `git+file://${remote}?ref=main&rev=${commit}#${attribute}`;
  const flags = ['--extra-experimental-features', 'nix-command flakes', '--option', 'substitute', 'false'];
  const built = await run('nix', ['build', ...flags, '--no-link', '--json', url]);
  assert.equal(built.exitCode, 0, built.stderr);
  const [first] = JSON.parse(built.stdout) as readonly { readonly outputs: { readonly out: string } }[];
  return first?.outputs.out ?? '';
}

type Checked = Extract<VulnerabilityChange, { kind: 'checked' }>;

const told = ({ fixed, introduced }: Checked): readonly string[] =>
  [...fixed.map((each) => ['-', each] as const), ...introduced.map((each) => ['+', each] as const)]
    .map(([sign, { id, tier, package: name }]) => `${sign} ${id.slice(9)} ${name} ${tier}`)
    .sort();

test('more packages than one evaluation asks for are asked in several, and what no time is left for is said', async () => {
  let time = 0;
  const asked: (readonly [packages: number, leftMs: number])[] = [];
  const ask = (faultAt: number) =>
    inBatches(
      ...([Array.from({ length: 1201 }, (_, n) => n), { most: 500, limitMs: 100 }] as const),
      (batch, left) => {
        asked.push([batch.length, left]);
        time += 60;
        return Promise.resolve(left <= faultAt ? 'no time' : null);
      },
      () => time,
    );
  assert.equal(await ask(-1), null);
  assert.deepEqual(asked, [
    [500, 100],
    [500, 40],
    [201, 0],
  ]);
  assert.equal(await ask(0), 'those of 201 of 1201: no time');
  assert.equal(await ask(100), 'no time');
});

test('packages are the products that they say to be, where their store paths tell that they are those packages', () =>
  withPlace(async (place) => {
    const { checkout, env, repository, root } = place;
    const commit = async (version: string, old: string): Promise<string> => {
      const made = await commitFiles(checkout, { 'flake.nix': flake(path.basename(root), version, old) }, version);
      await git(checkout, 'push', '--quiet', 'origin', 'main');
      return made;
    };
    const base = await commit('1', 'gone = make "gone" "1" { identifiers.cpe = cpe "acme" "left"; };');
    const head = await commit('2', '');
    const advisories = path.join(root, 'advisories');
    await mkdir(advisories);
    const since = { versionStartIncluding: '2' };
    const until = { versionEndExcluding: '2' };
    const acme = { vendor: 'acme' };
    const list = [
      nvd('CVE-2026-widget', 'widget_server', since, acme),
      nvd('CVE-2026-namesake', 'widget', since, { vendor: 'other' }),
      nvd('CVE-2026-stranger', 'widget_server', since, { vendor: 'other' }),
      nvd('CVE-2026-series', 'series.js', until, acme),
      nvd('CVE-2026-chosen', 'picked', since, acme),
      nvd('CVE-2026-nothing', 'nothing', {}, acme),
      nvd('CVE-2026-liar', 'liar', since, { vendor: 'other' }),
      nvd('CVE-2026-thrower', 'thrower', since, { vendor: 'other' }),
      nvd('CVE-2026-gone', 'left', {}, acme),
    ];
    await writeFile(path.join(advisories, 'nvd.json'), nvdFile(list));
    const nix = { options: [], impure: false, acceptFlakeConfig: false };
    const candidate = { base, head, bundle: '' };
    const compare = async (target: FlakeTarget, attribute: string, more: Partial<CompareClosuresInput> = {}) => {
      const of = more.candidate ?? candidate;
      const [before, after] = [await build(place, of.base, attribute), await build(place, of.head, attribute)];
      const input: CompareClosuresInput = {
        repository,
        target,
        before,
        after,
        same: false,
        keep: 0,
        bytes: 24_576,
        nix,
        candidate,
        ...{ run: 'run-1', head },
        ...more,
      };
      await new MockActivityEnvironment().run(createCompareClosures(env), input);
      // What travels is left out where another target has it.
      const change = await readChange(env.state, { run: 'run-1', head, target });
      return change?.kind === 'compared' ? change.vulnerabilities : undefined;
    };
    const toplevel = (name: string): string => `nixosConfigurations.${name}.config.system.build.toplevel`;
    assert.equal(await compare(WEB, toplevel('web')), undefined);
    assert.equal(await exists(env.state.mirrors), false, 'without advisories nothing is evaluated');

    // Nix cannot catch that: names are all that is left, and the report says so.
    const silent = await compare({ kind: 'nixos', name: 'silent' }, toplevel('silent'), { advisories });
    assert.equal(silent?.kind, 'checked');
    assert.match(silent.warnings.join(), /identifiers of packages could not be read: .*nobody may look/);
    assert.deepEqual(told(silent), ['+ liar liar name', '+ namesake widget name', '+ thrower thrower name']);

    const found = await compare(WEB, toplevel('web'), { advisories });
    assert.equal(found?.kind, 'checked');
    assert.deepEqual(found.warnings, []);
    const exact = [
      ...['+ chosen chosen exact', '+ liar liar name', '+ thrower thrower name', '+ widget widget exact'],
      ...['- gone gone exact', '- series series exact'],
    ];
    assert.deepEqual(told(found), exact);
    assert.deepEqual([found.counts.introduced, found.counts.fixed, found.counts.unsureIntroduced], [2, 2, 2]);
    // What one target was told is not asked by another one.
    const again = await compare({ kind: 'nixos', name: 'silent' }, toplevel('silent'), { advisories });
    assert.deepEqual(again?.kind === 'checked' && [told(again), again.warnings], [exact, []]);

    const own = { ...candidate, base: head, head: base };
    const back = await compare({ kind: 'package', name: 'x86_64-linux.widget' }, 'packages.x86_64-linux.widget', {
      ...{ advisories, candidate: own },
    });
    assert.deepEqual(back?.kind === 'checked' && told(back), ['- widget widget exact']);
    // Whatever keeps three targets from being asked is not waited for again by a fourth one.
    const swapped = { advisories, candidate: own };
    for (let failures = 0; failures < 3; failures += 1)
      await compare({ kind: 'nixos', name: 'silent' }, toplevel('silent'), swapped);
    const unasked = await compare(WEB, toplevel('web'), swapped);
    assert.match(unasked?.kind === 'checked' ? unasked.warnings.join() : '', /could not be read: .*nobody may look/);
    await writeFile(path.join(advisories, 'products.toml'), 'widget = "other:widget"\n');
    const owned = await compare(WEB, toplevel('web'), { advisories });
    assert.ok(owned?.kind === 'checked' && told(owned).includes('+ namesake widget mapped'), 'the owner knows better');
  }));
