import type { CacheKind } from '../types.js';

/** A cache at Cachix: its program `cachix` uploads, and Cachix signs. */
export const cachix: CacheKind = {
  schemes: ['cachix'],
  example: 'cachix://NAME',
  fault: (address) =>
    /^cachix:\/\/[a-z0-9][a-z0-9-]*\/?$/.test(address) ? null : 'does not name a cache: write cachix://NAME.',
  parameters: [],
  telling: [],
  fields: ['tokenFile', 'trustedKeys', 'readUrl', 'upstreams'],
  needs: ['tokenFile'],
  upstreams: ['https://cache.nixos.org'],
};
