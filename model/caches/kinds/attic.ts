import { keepsSecrets } from '../../checks/names.js';
import { isWebUrl } from '../web-url.js';
import type { CacheKind } from '../types.js';

/** A cache of an Attic server: its program `attic` uploads, and the server signs. */
export const attic: CacheKind = {
  schemes: ['attic+https', 'attic+http'],
  example: 'attic+https://attic.example.org/CACHE',
  fault: (address) => {
    const url = address.slice('attic+'.length);
    if (!isWebUrl(url) || !/^https?:\/\/[^/]+\/(?:[\w.-]+\/)*[A-Za-z0-9][\w+-]*\/?$/.test(url))
      return 'is not an address such as attic+https://attic.example.org/CACHE.';
    return keepsSecrets(url)
      ? null
      : 'would carry the token over the network unencrypted: give an attic+https address.';
  },
  parameters: [],
  telling: [],
  fields: ['tokenFile', 'trustedKeys', 'upstreams'],
  needs: ['tokenFile'],
  upstreams: ['https://cache.nixos.org'],
};
