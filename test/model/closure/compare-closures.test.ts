import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Closure, ClosurePath } from '../../../model/closure/closure.js';
import { compareClosures } from '../../../model/closure/compare-closures.js';
import { limitChange, limitChanges } from '../../../model/closure/limit.js';
import { splitName } from '../../../model/closure/package-name.js';
import { countWords, sizeChangeWords, versionWords } from '../../../model/closure/words.js';
import { switchingOf } from '../../../model/closure/switching.js';

/** A closure of paths `HASH-name`, each of 1,000 bytes or what stands behind a colon; a star marks what the system names itself. */
function closure(...names: readonly string[]): Closure {
  const selected = new Set<string>();
  const paths = names.map((text): ClosurePath => {
    const [, star = '', path = '', size = '1000'] = /^(\*?)([^:]+)(?::(\d+))?$/.exec(text) ?? [];
    if (star !== '') selected.add(path);
    return { path, narSize: Number(size), name: splitName(path.slice(path.indexOf('-') + 1), 'web') };
  });
  return { paths, selected };
}

const changes = (before: Closure, after: Closure): readonly string[] =>
  compareClosures(before, after).packages.map((each) => `${each.name} ${each.kind}: ${versionWords(each)}`);

describe('what differs between two closures', () => {
  test('thousands of versions of one package take no time to pair up', () => {
    const versions = (hash: string, major: number) =>
      closure(...Array.from({ length: 4000 }, (_, index) => `${hash}-many-${major}.${index}`));
    const begun = performance.now();
    const [many] = compareClosures(versions('a', 1), versions('b', 2)).packages;
    assert.deepEqual([many?.kind, many?.before.length, many?.after.length], ['up', 4000, 4000]);
    assert.ok(performance.now() - begun < 3000);
  });

  test('each way in which a package changes is told', () => {
    const before = closure(
      ...['a-up-1.9', 'a-down-2.0', 'a-rev-0123abc', 'a-gone-1', 'a-twice-1', 'a-out-1', 'a-same-3', 'a-built-1.0-2'],
    );
    const after = closure(
      ...[
        'b-up-1.10',
        'b-down-2.0pre1',
        'b-rev-4567def',
        'b-come-1',
        'a-twice-1',
        'b-twice-1',
        'a-out-1',
        'b-out-1-dev',
      ],
      ...['a-same-3', 'b-built-1.0-2'],
    );
    assert.deepEqual([...changes(before, after)].sort(), [
      'built rebuilt: rebuilt 1.0-2',
      'come added: added 1',
      'down down: 2.0 → 2.0pre1',
      'gone removed: removed 1',
      'out outputs: 1, with other outputs',
      'rev changed: 0123abc → 4567def',
      'twice copies: 1, in other copies',
      'up up: 1.9 → 1.10',
    ]);
  });

  test('a closure is the same as itself', () => {
    const same = closure('a-foo-1', 'a-etc', 'a-unit-x.service');
    assert.deepEqual(compareClosures(same, same), {
      ...{ sizes: [3000, 3000], counts: {}, packages: [], configuration: 0 },
    });
  });

  test('several versions of one package pair up by what they have in common', () => {
    const before = closure('a-nodejs-20.19.0', 'a-nodejs-22.11.0');
    assert.deepEqual(changes(before, closure('b-nodejs-22.12.0', 'b-nodejs-24.1.0')), [
      'nodejs up: 22.11.0, 20.19.0 → 22.12.0, 24.1.0',
    ]);
    assert.deepEqual(changes(before, closure('a-nodejs-22.11.0')), ['nodejs copies: 20.19.0, 22.11.0 → 22.11.0']);
    assert.deepEqual(changes(before, closure('a-nodejs-20.18.0', 'a-nodejs-22.12.0')), [
      'nodejs changed: 20.19.0, 22.11.0 → 20.18.0, 22.12.0',
    ]);
  });

  test('kernel and systemd come first, then what the system names itself, then the larger change; rebuilds are last', () => {
    const before = closure(
      'a-linux-6.1',
      'a-systemd-1',
      '*a-vim-1',
      'a-zlib-1:5',
      'a-big-1:10',
      'a-m-1:90000',
      'a-unit-x',
    );
    const after = closure(
      'b-linux-6.2',
      'b-systemd-2',
      '*b-vim-2',
      'b-zlib-2:5',
      'b-big-2:500000',
      'b-m-1:1',
      'b-unit-x',
    );
    const { packages, configuration, sizes } = compareClosures(before, after);
    assert.deepEqual(
      packages.map(({ name }) => name),
      ['linux', 'systemd', 'vim', 'big', 'zlib', 'm'],
    );
    assert.equal(configuration, 1);
    assert.deepEqual(sizes, [94015, 504006]);
    assert.deepEqual(packages.find(({ name }) => name === 'vim')?.selected, true);
    assert.deepEqual(packages.find(({ name }) => name === 'zlib')?.selected, undefined);
  });

  test('units, settings, patches, sources and the system are counted as configuration', () => {
    const names = [
      'unit-nginx.service',
      'etc',
      'etc-hostname',
      'source',
      'fix.patch',
      'nixos-system-web-25.11',
      'x.conf',
    ];
    const of = (hash: string): Closure => closure(...names.map((name) => `${hash}-${name}`));
    const change = compareClosures(of('a'), of('b'));
    assert.deepEqual([change.configuration, change.packages], [7, []]);
    assert.deepEqual([sizeChangeWords(change.sizes), countWords(change)], ['same size', '7 settings']);
  });

  test('the list is cut from its end, and the counts stay', () => {
    const of = (hash: string, version: number): Closure =>
      closure(...Array.from({ length: 500 }, (_, index) => `${hash}-package${index}-${version}:${version * index}`));
    const whole = compareClosures(of('a', 1), of('b', 2));
    const cut = limitChange(whole, 4096);
    assert.ok(JSON.stringify(cut).length <= 4096);
    assert.ok(cut.packages.length > 20);
    assert.deepEqual(cut.packages, whole.packages.slice(0, cut.packages.length));
    assert.deepEqual(cut.counts, { up: 500 });
    assert.equal(limitChange(whole, 1e6), whole);
    const targets = Array.from({ length: 100 }, () => {
      return { closure: { kind: 'compared' as const, switching: { reboot: [], refuses: [] }, ...whole } };
    });
    const limited = limitChanges(targets);
    assert.ok(JSON.stringify(limited).length <= 260 * 1024);
    assert.ok(limited.every(({ closure }) => closure.packages.length > 10 && closure.counts.up === 500));
    assert.equal(limitChanges(targets.slice(0, 2))[0], targets[0]);
  });
});

describe('what a machine does with its new system', () => {
  const system = { kernel: '/k1', initrd: '/i1', kernelModules: '/m1', inhibitors: { dbus: '/d1', init: '/x' } };

  test('another kernel, initrd or modules need a reboot', () => {
    assert.deepEqual(switchingOf(system, system), { reboot: [], refuses: [] });
    assert.deepEqual(switchingOf(system, { ...system, kernel: '/k2', kernelModules: '/m2' }).reboot, [
      'kernel',
      'kernel-modules',
    ]);
    assert.deepEqual(switchingOf({ ...system, initrd: null }, system).reboot, ['initrd']);
  });

  test('an inhibitor that both have with other values refuses, one that only one has does not', () => {
    const after = { ...system, inhibitors: { dbus: '/d2', more: '/y' } };
    assert.deepEqual(switchingOf(system, after).refuses, ['dbus']);
  });

  test('names from outside are no properties of objects', () => {
    const after = { ...system, inhibitors: { constructor: '/x', toString: '/y' } };
    assert.deepEqual(switchingOf({ ...system, inhibitors: {} }, after).refuses, []);
  });
});
