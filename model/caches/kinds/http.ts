import { isWebUrl, webUrlFault } from '../web-url.js';
import type { CacheKind } from '../types.js';
import { BINARY_CACHE_PARAMETERS } from './binary-cache.js';

export const http: CacheKind = {
  schemes: ['http', 'https'],
  example: 'https://cache.example.org',
  fault: (address) => (isWebUrl(address) ? null : webUrlFault(address)),
  parameters: [
    ...BINARY_CACHE_PARAMETERS,
    ...['log-compression', 'ls-compression', 'narinfo-compression', 'tls-certificate', 'tls-private-key'],
  ],
  telling: [],
  fields: ['secretKeyFile', 'netrcFile', 'compression', 'trustedKeys', 'upstreams'],
  needs: [],
  upstreams: [],
};
