import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitName } from '../../../model/closure/package-name.js';

/** Names of real store paths, and what nixpkgs means by them. */
const NAMES: readonly (readonly [name: string, name: string, version: string | null, output?: string])[] = [
  ['glibc-2.40-66-bin', 'glibc', '2.40-66', 'bin'],
  ['curl-8.20.0-dev', 'curl', '8.20.0', 'dev'],
  ['gcc-14-20241116-lib', 'gcc', '14-20241116', 'lib'],
  ['gcc-13.3.0-libgcc', 'gcc', '13.3.0', 'libgcc'],
  ['util-linux-minimal-2.42-swap', 'util-linux-minimal', '2.42', 'swap'],
  ['nfs-utils-2.8.6-lib', 'nfs-utils', '2.8.6', 'lib'],
  ['bash-interactive-5.2p37-man', 'bash-interactive', '5.2p37', 'man'],
  ['gtk+3-3.24.49-dev', 'gtk+3', '3.24.49', 'dev'],
  ['editline-1.17.1-unstable-2025-05-24', 'editline', '1.17.1-unstable-2025-05-24'],
  ['x264-0-unstable-2025-01-03', 'x264', '0-unstable-2025-01-03'],
  ['trezor-udev-rules-unstable-2019-07-17', 'trezor-udev-rules', 'unstable-2019-07-17'],
  ['linux-6.12.24-modules', 'linux', '6.12.24', 'modules'],
  ['linux-6.12.24-modules-shrunk', 'linux', '6.12.24-modules-shrunk'],
  ['linux-firmware-20260309-zstd', 'linux-firmware', '20260309-zstd'],
  ['zfs-kernel-2.4.1-6.18.17', 'zfs-kernel', '2.4.1-6.18.17'],
  ['nvidia-x11-570.133.07-6.12.24', 'nvidia-x11', '570.133.07-6.12.24'],
  ['python3.13-requests-2.32.3', 'python3.13-requests', '2.32.3'],
  ['python3-3.13.7-env', 'python3', '3.13.7-env'],
  ['perl5.40.0-URI-5.30', 'perl5.40.0-URI', '5.30'],
  ['jdk-21.0.6+7', 'jdk', '21.0.6+7'],
  ['nixos-system-my-host-2-25.11.20260315.f7d9d10', 'nixos-system-my-host-2', '25.11.20260315.f7d9d10'],
  ['nixos-system-web-25.11pre-git', 'nixos-system-web', '25.11pre-git'],
  [
    'helix-tree-sitter-pod-cd1931314beafeebc957964c65802961e283411e',
    'helix-tree-sitter-pod',
    'cd1931314beafeebc957964c65802961e283411e',
  ],
  ['uradvd-r26-1e64364d', 'uradvd', 'r26-1e64364d'],
  ['system-path', 'system-path', null],
  ['unit-nginx.service', 'unit-nginx.service', null],
  ['home-manager-generation', 'home-manager-generation', null],
];

for (const [storeName, name, version, output = 'out'] of NAMES) {
  test(`${storeName} is ${name}, ${version ?? 'without a version'}, ${output}`, () => {
    const host = /^nixos-system-(.+?)-25/.exec(storeName)?.[1] ?? null;
    assert.deepEqual(splitName(storeName, host), { name, version, output });
  });
}

test('a derivation is named as what it makes', () => {
  assert.deepEqual(splitName('hello-2.12.drv'), { name: 'hello', version: '2.12', output: 'out' });
});
