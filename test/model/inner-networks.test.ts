import assert from 'node:assert/strict';
import { test } from 'node:test';
import { innerNetworks, type Link } from '../../model/sandbox/inner-networks.js';

const link = (ifname: string, kind?: string, master?: string): Link => ({
  ifname,
  ...(kind === undefined ? {} : { linkinfo: { info_kind: kind } }),
  ...(master === undefined ? {} : { master }),
});

/** As Docker, libvirt, NixOS containers and a VPN make them, beside a card, and a bridge that another card is a port of. */
const LINKS = [
  ...[link('lo'), link('eth0'), link('eth1', undefined, 'br0'), link('br0', 'bridge'), link('vm', 'tun', 'br0')],
  ...[link('docker0', 'bridge'), link('br-1a', 'bridge'), link('veth1', 'veth', 'br-1a')],
  ...[link('virbr0', 'bridge'), link('vnet0', 'tun', 'virbr0'), link('ve-web', 'veth'), link('wg0', 'wireguard')],
];
const ROUTES = [
  ...[
    { dst: 'default', dev: 'eth0' },
    { dst: '192.0.2.0/24', dev: 'eth0' },
    { dst: '10.1.0.0/16', dev: 'br0' },
  ],
  ...[
    { dst: '172.17.0.0/16', dev: 'docker0' },
    { dst: '172.18.0.0/16', dev: 'br-1a' },
    { dst: '192.168.122.0/24', dev: 'virbr0' },
  ],
  ...[
    { dst: '10.233.1.2', dev: 've-web' },
    { dst: '10.9.0.0/24', dev: 'wg0' },
  ],
];

test('networks of containers and virtual machines on the machine are told from those that lie outside', () => {
  assert.deepEqual(innerNetworks(LINKS, ROUTES), ['172.17.0.0/16', '172.18.0.0/16', '192.168.122.0/24', '10.233.1.2']);
});

test('a machine that is a container itself has the others of its network outside', () => {
  const links = [link('lo'), link('eth0', 'veth'), link('docker0', 'bridge')];
  const routes = [
    { dst: 'default', dev: 'eth0' },
    { dst: '172.20.0.0/28', dev: 'eth0' },
    { dst: '172.17.0.0/16', dev: 'docker0' },
  ];
  assert.deepEqual(innerNetworks(links, routes), ['172.17.0.0/16']);
});
