import type { CacheKind } from '../types.js';

/** What a program of the operator's uploads to; it is looked at where hosts read it. */
export const command: CacheKind = {
  schemes: ['command'],
  example: 'command:///usr/local/bin/upload',
  fault: (address) =>
    /^command:\/\/\/[^/]/.test(address) ? null : 'is not an absolute path: write command:///PROGRAM.',
  parameters: [],
  telling: [],
  fields: ['trustedKeys', 'readUrl', 'upstreams', 'tokenFile'],
  needs: ['readUrl'],
  upstreams: [],
};
