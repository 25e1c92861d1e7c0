import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import { run } from '../../activities/command/process.js';
import type { ActivityEnvironment } from '../../activities/environment.js';
import { createCompareClosures } from '../../activities/nix/closure/compare-closures.js';
import { lookAhead } from '../../activities/nix/closure/derivations-apart.js';
import { localClosure } from '../../activities/nix/closure/local-closures.js';
import { exists } from '../../host/files.js';
import { readChange } from '../../host/kept-change.js';
import type { CompareClosuresInput } from '../../model/contract/verification.js';
import type { TargetChange } from '../../model/closure/closure.js';
import { countWords, sizeChangeWords, versionWords } from '../../model/closure/words.js';
import { vulnerabilityWords } from '../../model/advisories/words.js';
import { nvd, nvdFile, osv } from '../support/advisories.js';
import { withStandIn } from '../support/stand-in.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';

/** Packages of a system: what nixpkgs would write, with `/bin/sh` as the builder. */
interface System {
  /** Text of a Nix attribute set for each package, by name: `name`, `version`, `outputs`, `script` … */
  readonly packages: Readonly<Record<string, string>>;
  /** Names of packages that `sw` refers to. */
  readonly software?: readonly string[];
  readonly kernel?: string;
  readonly inhibitors?: Readonly<Record<string, string>>;
}

/** A package whose attributes are given to its builder as JSON; those of its `env` are not its own. */
const structured = (version: string): string =>
  `name = "structured-${version}"; version = "${version}"; __structuredAttrs = true; env = { name = "wrong-9"; version = "9"; };
   script = "echo ${version} > \${builtins.placeholder "out"}";`;

const expression = (salt: string, { packages, software = [], kernel, inhibitors = {} }: System): string => `
  let
    make = args: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; salt = "${salt}";
      args = [ "-c" (args.script or "for output in $outputs; do eval path=\\\\$$output; echo $name > $path; done") ]; outputs = [ "out" ]; } // args);
    packages = { ${Object.entries(packages)
      .map(([name, text]) => `"${name}" = make { ${text} };`)
      .join(' ')} };
    sw = make { name = "system-path"; script = "echo ${software.map((name) => `\${packages."${name}"}`).join(' ')} > $out"; };
    link = path: name: if path == null then "" else "/bin/ln -s \${path} $out/\${name};";
  in make {
    name = "nixos-system-web-25.11";
    script = "/bin/mkdir $out; \${link sw "sw"} \${link ${kernel === undefined ? 'null' : `packages."${kernel}"`} "kernel"}"
      + "echo '${JSON.stringify(inhibitors).replace(/"/g, '\\"')}' > $out/switch-inhibitors;"
      + " echo \${toString (map (p: map (o: p.\${o}) p.outputs) (builtins.attrValues packages))} > $out/all";
  }`;

async function build(root: string, salt: string, system: System): Promise<string> {
  const args = ['--no-out-link', '--option', 'substitute', 'false', '--expr', expression(salt, system)];
  const built = await run('nix-build', args, { cwd: root });
  assert.equal(built.exitCode, 0, built.stderr);
  return built.stdout.trim();
}

async function withStore(
  work: (tools: {
    readonly env: ActivityEnvironment;
    readonly make: (system: System) => Promise<string>;
    readonly compare: (
      before: string | null,
      after: string,
      change?: { readonly bytes?: number; readonly keep?: number } & Partial<CompareClosuresInput>,
    ) => Promise<TargetChange | null>;
    readonly roots: () => Promise<readonly string[]>;
  }) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-closures-'));
  try {
    const env = activityEnvironment(root);
    const repository = repositoryAt(root);
    const compareClosures = createCompareClosures(env);
    await work({
      env,
      make: (system) => build(root, path.basename(root), system),
      async compare(before, after, { bytes = 24_576, keep = 1, ...more } = {}) {
        const input: CompareClosuresInput = {
          repository,
          target: { kind: 'nixos', name: 'web' },
          before,
          after,
          same: before === after,
          keep,
          bytes,
          ...more,
        };
        return new MockActivityEnvironment().run(compareClosures, input);
      },
      async roots() {
        const [folder = ''] = (await readdir(env.state.closures, { recursive: true })).filter((each) =>
          /^[0-9a-f]+\//.test(each),
        );
        const inside = path.join(env.state.closures, folder.split('/').slice(0, 2).join('/'));
        return Promise.all((await readdir(inside)).sort().map((name) => readlink(path.join(inside, name))));
      },
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

test('names, versions and outputs are those of the derivations, sizes those of the store', () =>
  withStore(async ({ make, compare }) => {
    const before = await make({
      packages: {
        lib: 'name = "lib-two-1.2"; version = "1.2"; outputs = [ "out" "odd" ];',
        tool: 'name = "tool-v3"; version = "v3"; ',
        same: 'name = "same-1";',
        structured: structured('7'),
        unit: 'name = "unit-nginx.service";',
      },
      software: ['tool'],
    });
    const after = await make({
      packages: {
        lib: 'name = "lib-two-1.10"; version = "1.10"; outputs = [ "out" "odd" ];',
        tool: 'name = "tool-v4"; version = "v4"; script = "i=0; while [ $i -lt 1000 ]; do echo 0123456789 >> $out; i=$((i + 1)); done"; ',
        same: 'name = "same-1";',
        structured: structured('8'),
        unit: 'name = "unit-nginx.service"; changed = true;',
      },
      software: ['tool'],
    });
    const change = await compare(before, after);
    assert.equal(change?.kind, 'compared');
    assert.deepEqual(
      change.packages.map((each) => [each.name, versionWords(each), each.selected ?? false]),
      [
        ['tool', 'v3 → v4', true],
        ['lib-two', '1.2 → 1.10', false],
        ['structured', '7 → 8', false],
      ],
    );
    assert.ok((change.packages[0]?.sizes[1] ?? 0) > 11_000);
    assert.equal(countWords(change), '3 up, 3 settings');
    assert.match(sizeChangeWords(change.sizes), /^\+10\.\d KiB$/);
    assert.deepEqual(change.switching, { reboot: [], refuses: [] });
  }));

test('another kernel and another inhibitor are told; a small room cuts the list', () =>
  withStore(async ({ make, compare }) => {
    const system = (version: string): System => ({
      packages: { linux: `name = "linux-${version}";`, other: `name = "other-${version}";` },
      kernel: 'linux',
      inhibitors: { 'dbus-implementation': version, same: '1' },
    });
    const [before, after] = [await make(system('6.1')), await make(system('6.2'))];
    const change = await compare(before, after);
    assert.equal(change?.kind, 'compared');
    assert.deepEqual(change.switching, { reboot: ['kernel'], refuses: ['dbus-implementation'] });
    const cut = await compare(before, after, { bytes: 290 });
    assert.equal(cut?.kind, 'compared');
    assert.deepEqual([cut.packages.map(({ name }) => name), cut.counts], [['linux'], { up: 2 }]);
  }));

test('closures that are asked for at once are asked for together, and each is told without the others', () =>
  withStore(async ({ make }) => {
    const names = ['one', 'two', 'three', 'four'];
    const tops = await Promise.all(names.map((name) => make({ packages: { [name]: `name = "${name}-1";` } })));
    const log = path.join(await mkdtemp(path.join(tmpdir(), 'lockkeeper-asked-')), 'log');
    const { signal } = new AbortController();
    await withStandIn('nix', `echo asked >> ${log}; exec nix "$@"`, async () => {
      const missing = localClosure('/nix/store/00000000000000000000000000000000-missing', signal);
      const found = await Promise.all(tops.map((top) => localClosure(top, signal)));
      assert.equal(await missing, null);
      for (const [index, top] of tops.entries()) {
        const paths = (found[index] ?? []).map((each) => each.path);
        assert.ok(paths.includes(top));
        const own = names.filter((name) => paths.some((each) => each.endsWith(`-${name}-1`)));
        assert.deepEqual(own, [names[index]]);
      }
      assert.ok((await readFile(log, 'utf8')).split('\n').length - 1 <= 2);
    });
    await rm(path.dirname(log), { recursive: true });
  }));

test('base and the new closure are kept for the next run, and nothing else; a base that is not there is said', () =>
  withStore(async ({ make, compare, roots }) => {
    const one = await make({ packages: { a: 'name = "a-1";' } });
    const two = await make({ packages: { a: 'name = "a-2";' } });
    const three = await make({ packages: { a: 'name = "a-3";' } });
    const gone = '/nix/store/00000000000000000000000000000000-nixos-system-web-25.11';
    assert.deepEqual((await compare(gone, one))?.kind, 'no-base');
    assert.deepEqual(await roots(), [one]);
    assert.deepEqual((await compare(null, one))?.kind, 'no-base');
    assert.equal((await compare(one, two))?.kind, 'compared');
    assert.deepEqual(await roots(), [one, two].sort());
    assert.equal((await compare(two, three))?.kind, 'compared');
    assert.deepEqual(await roots(), [two, three].sort());
    assert.equal(await compare(three, three), null);
    assert.deepEqual(await roots(), [two, three].sort());
    await compare(three, two, { keep: 2 });
    await compare(two, one, { keep: 2 });
    assert.deepEqual(await roots(), [one, two, three].sort());
    await compare(three, one, { comparison: true });
    assert.deepEqual(await roots(), [one, two, three].sort(), 'a comparison displaces nothing');
    await compare(three, one, { comparison: true, keep: 0 });
    assert.equal((await compare(one, two, { keep: 0 }))?.kind, 'compared');
    assert.deepEqual(await roots(), []);
  }));

const HEAD = 'b'.repeat(40);

/** A store path's derivation on this machine. */
const derivationOf = async (storePath: string): Promise<string> =>
  (await run('nix-store', ['--query', '--deriver', storePath])).stdout.trim();

test('a closure that only a cache has is compared by what the cache says; one that none has by its derivations', () =>
  withStore(async ({ env, make, compare }) => {
    const system = (version: string): System => ({
      packages: {
        linux: `name = "linux-${version}"; version = "${version}";`,
        same: 'name = "same-1"; version = "1";',
        shared: `name = "shared-${version}"; version = "${version}";`,
      },
      software: ['shared'],
      kernel: 'linux',
    });
    const [before, after] = [await make(system('6.1')), await make(system('6.2'))];
    const drvPaths = [await derivationOf(before), await derivationOf(after)] as const;
    const references = (await run('nix-store', ['--query', '--references', before])).stdout.trim().split('\n');
    const cache = `file://${path.dirname(env.state.root)}/cache`;
    const flakes = ['--extra-experimental-features', 'nix-command'];
    assert.equal((await run('nix', [...flakes, 'copy', '--to', cache, before])).exitCode, 0);
    const wanted = await compare(before, after, { keep: 0 });
    assert.equal(wanted?.kind, 'compared');
    assert.deepEqual(wanted.switching, { reboot: ['kernel'], refuses: [] });

    const removed = await run('nix-store', [
      '--delete',
      before,
      ...references.filter((each) => !each.includes('same')),
    ]);
    assert.ok(!(await exists(before)), removed.stderr);
    const nix = {
      options: [['substituters', `http://127.0.0.1:9 ${cache}`]],
      impure: false,
      acceptFlakeConfig: false,
    } as const;
    assert.deepEqual(await compare(before, after, { keep: 0, nix }), { ...wanted, from: 'cache' });
    assert.equal(await exists(before), false, 'nothing was fetched');

    const nowhere = { ...nix, options: [['substituters', 'http://127.0.0.1:9']] } as const;
    const advisories = path.join(env.state.root, 'data');
    await mkdir(advisories, { recursive: true });
    const kernel = nvd('CVE-2026-9000', 'linux_kernel', { versionEndExcluding: '6.2' }, { vendor: 'linux', part: 'o' });
    await writeFile(path.join(advisories, 'nvd.json'), nvdFile([kernel]));
    const asked = { keep: 0, nix: nowhere, drvPaths, run: 'run-1', head: HEAD, advisories };
    const told = await compare(before, after, asked);
    assert.equal(told?.kind, 'no-base');
    assert.deepEqual(
      told.derivations?.packages.map((each) => `${each.name} ${versionWords(each)}`),
      ['linux 6.1 → 6.2', 'shared 6.1 → 6.2'],
    );
    const known = told.derivations.vulnerabilities;
    assert.deepEqual(known?.kind === 'checked' && known.fixed.map(({ id }) => id), ['CVE-2026-9000']);
    assert.deepEqual(
      await readChange(env.state, { run: 'run-1', head: HEAD, target: { kind: 'nixos', name: 'web' } }),
      told,
    );
    await lookAhead(before, drvPaths, nowhere);
    await withStandIn('nix-store', 'exit 1', async () => {
      assert.deepEqual(await compare(before, after, asked), told, 'it was worked out while it was built');
      const { derivations } = (await compare(before, after, asked)) as Extract<TargetChange, { kind: 'no-base' }>;
      assert.equal(derivations, undefined, 'an answer is kept for one comparison');
    });
    const started = performance.now();
    assert.equal((await compare(before, after, { keep: 0, nix: nowhere }))?.kind, 'no-base');
    assert.ok(performance.now() - started < 2000, 'a cache that did not answer is left alone');
  }));

test('what the owner names comes first, and packages that another host lists already are not carried again', () =>
  withStore(async ({ make, compare, env }) => {
    const system = (version: string): System => ({
      packages: Object.fromEntries(
        ['linux', 'alpha', 'zeta'].map((name) => [name, `name = "${name}-${version}"; version = "${version}";`]),
      ),
    });
    const [before, after] = [await make(system('1')), await make(system('2'))];
    const first = await compare(before, after, { first: ['zeta'] });
    assert.equal(first?.kind, 'compared');
    assert.deepEqual(
      first.packages.map(({ name }) => name),
      ['linux', 'zeta', 'alpha'].sort((one, other) => Number(one === 'alpha') - Number(other === 'alpha')),
    );
    const second = { kind: 'nixos', name: 'web-2' } as const;
    const again = await compare(before, after, { first: ['zeta'], target: second, run: 'run-1', head: HEAD });
    assert.deepEqual(again, { ...first, packages: [], sameAs: 'web' });
    assert.deepEqual(await compare(before, after, { first: ['zeta'] }), first, 'who lists them does so again');
    const whole = await readChange(env.state, { run: 'run-1', head: HEAD, target: second });
    assert.deepEqual(whole, first, 'on the disk all of it is');
  }));

test('vulnerabilities come, go and are patched; an index is made once, a damaged file is named', () =>
  withStore(async ({ env, make, compare }) => {
    const folder = path.join(env.state.root, 'data');
    const curl = (version: string, more = ''): string => `name = "curl-${version}"; version = "${version}"; ${more}`;
    const [before, after] = [
      await make({ packages: { curl: curl('8.4'), linux: 'name = "linux-6.12.24";', git: 'name = "git-2.1";' } }),
      await make({
        packages: {
          curl: curl('8.5', 'patches = [ (builtins.toFile "CVE-2026-9002.patch" "") ];'),
          linux: 'name = "linux-6.12.30";',
          git: 'name = "git-2.1";',
        },
      }),
    ];
    const told = async (): Promise<readonly string[]> => {
      const change = await compare(before, after, { advisories: folder });
      if (change?.kind !== 'compared' || change.vulnerabilities === undefined) return ['nothing'];
      const { vulnerabilities } = change;
      const listed = vulnerabilities.kind === 'checked' ? [vulnerabilities.fixed, vulnerabilities.introduced] : [];
      return [
        ...listed.map((list) => list.map(({ id }) => id).join(' ')),
        ...vulnerabilityWords(vulnerabilities).slice(1),
      ];
    };
    const said = async (): Promise<string> => {
      const change = await compare(before, after, { advisories: folder });
      return change?.kind === 'compared' && change.vulnerabilities !== undefined
        ? vulnerabilityWords(change.vulnerabilities)[0]
        : '';
    };
    assert.match(await said(), /not checked: .*data is not there$/);
    await mkdir(path.join(folder, 'osv'), { recursive: true });
    assert.match(await said(), /not checked: there is no advisory in .*data$/);

    const modified = new Date().toISOString().slice(0, -1);
    const kernel = { vendor: 'linux', part: 'o', modified };
    const year = nvdFile([
      nvd('CVE-2026-9000', 'linux_kernel', { versionEndExcluding: '6.12.30' }, kernel),
      nvd('CVE-2026-9001', 'curl', { versionStartIncluding: '8.5' }, { vendor: 'haxx', modified }),
      nvd('CVE-2026-9002', 'curl', { versionEndIncluding: '9' }, { vendor: 'haxx', modified }),
      nvd('CVE-2026-9003', 'git', {}, { vendor: 'git-scm', modified }),
    ]);
    await writeFile(path.join(folder, 'nvdcve-2.0-2026.json.gz'), gzipSync(year));
    await writeFile(path.join(folder, 'osv', 'GHSA-1.json'), JSON.stringify(osv('GHSA-1', 'curl')));
    await writeFile(path.join(folder, 'half.json'), year.slice(0, year.length - 700));
    const expected = ['CVE-2026-9000 CVE-2026-9002', 'CVE-2026-9001', 'half.json: it ends in the middle'];
    // Hosts are compared side by side, and the first of them make the index.
    const first = await Promise.all([told(), told(), told()]);
    assert.deepEqual(first, [expected, expected, expected]);

    const [key = ''] = await readdir(env.state.advisories);
    const indexes = async (): Promise<readonly (readonly [string, number])[]> => {
      const place = path.join(env.state.advisories, key);
      const names = (await readdir(place)).filter((name) => name.endsWith('.index'));
      return Promise.all(names.map(async (name) => [name, (await stat(path.join(place, name))).mtimeMs] as const));
    };
    const made = await indexes();
    assert.deepEqual(await told(), expected);
    assert.deepEqual(await indexes(), made, 'what did not change is not read again');

    await rm(path.join(folder, 'half.json'));
    await writeFile(path.join(folder, 'whitelist.toml'), '["curl"]\ncve = ["CVE-2026-9001"]\nuntil = 2020-01-01\n');
    const [, , ended, ...others] = await told();
    assert.match(ended ?? '', /"curl" \(CVE-2026-9001\) ended on 2020-01-01/);
    assert.deepEqual(others, []);
    assert.equal((await indexes()).length, made.length - 1);
    await writeFile(path.join(folder, 'whitelist.toml'), '["curl"]\ncve = "CVE-2026-9001"\n');
    assert.match(await said(), /2 fixed, 0 new, 1 suppressed/);
  }));
