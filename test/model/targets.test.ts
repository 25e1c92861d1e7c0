import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributePath, readAttributePath } from '../../model/nix/text.js';
import type { NamedSet } from '../../model/nix/names-expression.js';
import {
  checkRequired,
  checkTargetPattern,
  chooseRequired,
  chooseTargets,
  isTargetName,
  pathsToLookUp,
} from '../../model/targets/choose.js';
import { goneTargets } from '../../model/targets/gone.js';
import {
  kindOf,
  nounOf,
  outputKindNames,
  outputKinds,
  targetKindNames,
  targetLabel,
  taskOf,
  type Target,
} from '../../model/targets/index.js';
import { matchesWildcard } from '../../model/text/wildcard.js';

const labels = (targets: readonly Target[]): readonly string[] => targets.map(targetLabel);

const FLAKE: readonly NamedSet[] = [
  { path: ['nixosConfigurations'], names: ['athena', 'web.example', 'web@2'] },
  { path: ['homeConfigurations'], names: ['alice@web', 'bob'] },
  { path: ['packages', 'x86_64-linux'], names: ['a.b', 'same', 'web'] },
  { path: ['packages', 'aarch64-linux'], names: ['same'] },
  { path: ['checks', 'x86_64-linux'], names: ['same', 'slow'] },
  { path: ['hydraJobs'], names: ['web', 'x.y'] },
];

test('a label is of one target alone, whatever the names are, and tells its kind', () => {
  const names = ['same', 'a.b', 'x86_64-linux.a.b', 'gate:lint', 'home:alice@web', 'nixos:a', 'athena.config.x', 'a:b'];
  const targets = targetKindNames.flatMap((kind) =>
    names.map((name) => ({ kind, name }) as Target).filter((target) => isTargetName(target)),
  );
  assert.equal(new Set(labels(targets)).size, targets.length);
  for (const target of targets) assert.equal(kindOf(targetLabel(target)), target.kind, targetLabel(target));
  assert.deepEqual(labels([{ kind: 'nixos', name: 'athena' }]), ['athena']);
  assert.deepEqual(labels([{ kind: 'nixos', name: 'home:alice' }]), ['nixos:home:alice']);
});

test('names are paths, and paths are names', () => {
  for (const [kind, name, path] of [
    ['nixos', 'web@1.example', 'nixosConfigurations."web@1.example"'],
    [
      'nixos-attribute',
      'web.example.config.system.build.isoImage',
      'nixosConfigurations."web.example".config.system.build.isoImage',
    ],
    ['home', 'alice@web', 'homeConfigurations."alice@web"'],
    ['package', 'x86_64-linux.a.b', 'packages.x86_64-linux."a.b"'],
    ['attribute', 'hydraJobs."a.b \\"c\\"".${x}', 'hydraJobs."a.b \\"c\\""."\\${x}"'],
  ] as const) {
    const found = outputKinds[kind].path(name);
    assert.equal(attributePath(found), path);
    if (kind !== 'attribute') assert.equal(outputKinds[kind].nameAt(found), name);
    assert.deepEqual(outputKinds[kind].path(outputKinds[kind].nameAt(found)), found);
  }
  assert.deepEqual(readAttributePath('a."b.c".d'), ['a', 'b.c', 'd']);
  for (const wrong of ['', '.a', 'a.', 'a..b', 'a."b', 'a."b"c', '""'])
    assert.equal(readAttributePath(wrong), null, wrong);
  assert.equal(attributePath(['or', '1a', "a'b"]), '"or"."1a".a\'b');
});

test('a star stands for any characters, and takes no time for it', () => {
  assert.ok(matchesWildcard('*', '') && matchesWildcard('a*', 'a') && matchesWildcard('*b*', 'abc'));
  assert.ok(!matchesWildcard('a*a', 'a') && !matchesWildcard('*b', 'abc') && !matchesWildcard('a*bc*c', 'abc'));
  const began = performance.now();
  assert.ok(!matchesWildcard(`${'a*'.repeat(200)}b`, 'a'.repeat(100_000)));
  assert.ok(performance.now() - began < 500);
});

test('targets are those that patterns mean, less those that are taken out, by kind and name', () => {
  const choose = (...patterns: string[]): readonly string[] => {
    const { targets, faults } = chooseTargets(patterns, FLAKE);
    assert.deepEqual(faults, []);
    return labels(targets);
  };
  assert.deepEqual(choose('home:*', 'web*'), ['web.example', 'web@2', 'home:alice@web', 'home:bob']);
  assert.deepEqual(choose('!home:bob', 'nixos:athena', 'home:*'), ['athena', 'home:alice@web']);
  assert.deepEqual(choose('package:*.same', 'check:*.same', 'package:*-linux.a.*'), [
    'package:aarch64-linux.same',
    'package:x86_64-linux.a.b',
    'package:x86_64-linux.same',
    'check:x86_64-linux.same',
  ]);
  assert.deepEqual(choose('package:*', '!package:x86_64-linux.*'), ['package:aarch64-linux.same']);
  assert.deepEqual(choose('nixos:web*.config.system.build.isoImage'), [
    'nixos:web.example.config.system.build.isoImage',
    'nixos:web@2.config.system.build.isoImage',
  ]);
  assert.deepEqual(choose('attr:hydraJobs.*'), ['attr:hydraJobs."x.y"', 'attr:hydraJobs.web']);
  assert.deepEqual(chooseTargets(['home:bob'], FLAKE).notAsked, ['home:alice@web']);
  assert.deepEqual(chooseTargets(['attr:hydraJobs.web'], FLAKE).notAsked, []);
  const lenient = (...patterns: string[]): unknown => {
    const { targets, faults } = chooseTargets(patterns, FLAKE, true);
    return [labels(targets), faults];
  };
  assert.deepEqual(lenient('home:bob', 'home:new'), [['home:bob'], []]);
  assert.deepEqual(lenient('home:new'), [[], []]);
});

test('a set that cannot be looked into stands for what is meant in it', () => {
  const sets = [
    { path: ['packages', 'x86_64-linux'], names: ['a'] },
    { path: ['packages', 'aarch64-darwin'], names: null },
  ];
  const choose = (...patterns: string[]) => labels(chooseTargets(patterns, sets).targets);
  assert.deepEqual(choose('package:*'), ['package:aarch64-darwin.*', 'package:x86_64-linux.a']);
  assert.deepEqual(choose('package:*.a'), ['package:aarch64-darwin.a', 'package:x86_64-linux.a']);
  assert.deepEqual(choose('package:*', '!package:*-darwin.*'), ['package:x86_64-linux.a']);
  const whole = [{ path: ['packages'], names: null }];
  assert.deepEqual(labels(chooseTargets(['package:*'], whole).targets), ['package:*']);
  assert.deepEqual(outputKinds.package.path('*'), ['packages', '*', '*']);
});

test('a pattern that means nothing says what is there in its place', () => {
  const faults = (pattern: string, sets: readonly NamedSet[] = FLAKE): string =>
    chooseTargets([pattern], sets).faults.join(' ');
  assert.equal(
    faults('home:bbo'),
    '"home:bbo" matches nothing: homeConfigurations has alice@web, bob. Did you mean "bob"?',
  );
  const systems = [{ path: ['packages'], names: ['aarch64-linux', 'x86_64-linux'] }];
  assert.equal(
    faults('package:x86_64-linx.*', systems),
    '"package:x86_64-linx.*" matches nothing: packages has aarch64-linux, x86_64-linux. Did you mean "x86_64-linux"?',
  );
  const outputs = [{ path: [], names: ['nixosConfigurations', 'packages'] }];
  assert.equal(faults('home:*', outputs), '"home:*" matches nothing: the flake has nixosConfigurations, packages.');
  const unusable = [{ path: ['packages', 'x86_64-linux'], names: ['a*b', 'x'.repeat(201), 'fine'] }];
  assert.match(faults('package:*', unusable), /^the package x86_64-linux\.a\*b has a name that cannot be used: /);
  assert.equal(faults('package:*.fine', unusable), '');
  assert.match(chooseTargets(['home:*', '!home:*'], FLAKE).faults.join(' '), /^"home:\*, !home:\*" leaves no target/);
  const many = [{ path: ['a'], names: Array.from({ length: 200_000 }, (_, index) => `n${index}`) }];
  assert.match(faults('attr:a.*', many), /^"attr:a\.\*" means 200000 targets, and a run takes at most 2000: /);
});

test('what is looked up is what patterns mean, each set once', () => {
  assert.deepEqual(pathsToLookUp(['nixos:a', 'b', 'nixos:c.config.d', '!home:bob', 'attr:x.y', 'attr:x.z']), [
    { path: ['nixosConfigurations', 'c'], whole: true },
    { path: ['x', 'y'], whole: false },
    { path: ['x', 'z'], whole: false },
  ]);
  assert.deepEqual(pathsToLookUp(['package:x86_64-linux.*', 'check:*']), [
    { path: ['packages', 'x86_64-linux', '*'], whole: true },
    { path: ['checks', '*', '*'], whole: true },
  ]);
});

test('patterns that are none are refused with what to write', () => {
  for (const [pattern, message] of [
    ['', /is empty: a host name holds letters/],
    ['-x', /a host name holds/],
    ['pakage:*', /^--targets "pakage:\*" does not begin with a kind of target: did you mean "package:"\?$/],
    ['homeConfigurations:bob', /did you mean "home:"\?/],
    ['zebra:x', /write one of nixos: home: darwin: package: check: devShell: attr: before the name\.$/],
    ['gate:lint', /is a gate: use the options for these instead/],
    ['home:', /has no name: write one such as home:\*/],
    ['package:hello', /has no system before its name: write one as in x86_64-linux\.NAME, or \*\.NAME/],
    ['attr:a..b', /is not an attribute path/],
    ['nixos:a.config.x.*', /no whole attribute path/],
    ['home:a\u202eb', /cannot be seen/],
    [`home:${'x'.repeat(400)}`, /longer than 400/],
  ] as const)
    assert.throws(() => checkTargetPattern(pattern, '--targets'), { name: 'BadInput', message });
  assert.throws(() => checkRequired('!home:bob', '--require'), /excludes a target/);
  for (const pattern of ['web', 'web*', '!home:bob', 'package:*', 'package:*.a', 'attr:a."b.c".*'])
    assert.equal(checkTargetPattern(pattern, '--targets'), pattern);
});

test('required are all that names and patterns mean, also of a thousand', () => {
  const targets: readonly Target[] = [
    ...Array.from({ length: 1000 }, (_, index) => ({ kind: 'nixos', name: `host-${index}` }) as const),
    { kind: 'package', name: 'x86_64-linux.a' },
  ];
  const { required, unknown } = chooseRequired(['package:*', 'host-7', 'home:*'], targets);
  assert.deepEqual([required, unknown], [['package:x86_64-linux.a', 'host-7'], ['home:*']]);
  const began = performance.now();
  assert.equal(chooseRequired(labels(targets), targets).required.length, targets.length);
  assert.ok(performance.now() - began < 1500);
});

test('a target is gone when it is known not to be there: a set that does not evaluate may hold it, and is none itself', () => {
  const home = (name: string) => ({ kind: 'home', name }) as const;
  const all = [home('bob'), { kind: 'nixos', name: 'db*' }, { kind: 'package', name: 'aarch64-darwin.a' }] as const;
  assert.deepEqual(goneTargets(all, []), ['home:bob', 'nixos:db*', 'package:aarch64-darwin.a']);
  assert.deepEqual(goneTargets([home('*'), home('bob')], [home('alice')]), ['home:bob']);
  assert.deepEqual(goneTargets(all, [home('*'), { kind: 'package', name: 'aarch64-darwin.*' }]), ['nixos:db*']);
  assert.deepEqual(goneTargets(all, [{ kind: 'package', name: 'x86_64-linux.*' }, ...all.slice(1)]), ['home:bob']);
});

test('several kinds together are targets', () => {
  assert.equal(nounOf([]), 'host');
  assert.equal(nounOf(['package', 'gate', 'package']), 'package');
  assert.equal(nounOf(['package', 'nixos']), 'target');
  for (const kind of outputKindNames) assert.doesNotThrow(() => checkTargetPattern(outputKinds[kind].example, 'x'));
});

test('an agent is told what to fix, and where it is', () => {
  const [title, text] = taskOf({ kind: 'home', name: 'alice@web' }, 'the flake in this repository');
  assert.equal(title, '# Fix the home configuration alice@web');
  assert.match(
    text ?? '',
    /broke `homeConfigurations\."alice@web"\.activationPackage` of the flake in this repository\./,
  );
  assert.equal(outputKinds.check.breakage('x86_64-linux.a', 'build-failed'), 'the check x86_64-linux.a does not build');
});
