import { isWebUrl } from '../web-url.js';
import type { CacheKind } from '../types.js';

/** A cache of an Attic server: its program `attic` uploads, and the server signs. */
export const attic: CacheKind = {
  schemes: ['attic+https', 'attic+http'],
  example: 'attic+https://attic.example.org/CACHE',
  fault: (address) =>
    isWebUrl(address.slice('attic+'.length)) &&
    /^attic\+https?:\/\/[^/]+\/(?:[\w.-]+\/)*[A-Za-z0-9][\w+-]*\/?$/.test(address)
      ? null
      : 'is not an address such as attic+https://attic.example.org/CACHE.',
  parameters: [],
  telling: [],
  fields: ['tokenFile', 'trustedKeys', 'upstreams'],
  needs: ['tokenFile'],
  upstreams: ['https://cache.nixos.org'],
};
