import type { CacheKind } from '../types.js';
import { BINARY_CACHE_PARAMETERS } from './binary-cache.js';

export const file: CacheKind = {
  schemes: ['file'],
  example: 'file:///srv/cache',
  fault: (address) => (/^file:\/\/\/[^/]/.test(address) ? null : 'is not an absolute path: write file:///FOLDER.'),
  parameters: BINARY_CACHE_PARAMETERS,
  telling: [],
  fields: ['secretKeyFile', 'compression', 'trustedKeys', 'upstreams'],
  needs: [],
  upstreams: [],
};
