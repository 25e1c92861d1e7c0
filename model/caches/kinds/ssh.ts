import type { CacheKind } from '../types.js';

/** The store of another machine, whose daemon has to trust the user. */
export const ssh: CacheKind = {
  schemes: ['ssh', 'ssh-ng'],
  example: 'ssh-ng://nix@store.example.org',
  // A host that begins with a dash would be an option of ssh.
  fault: (address) =>
    /^ssh(?:-ng)?:\/\/(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9[][\w.:[\]-]*\/?$/.test(address)
      ? null
      : 'is not an address such as ssh-ng://USER@HOST.',
  parameters: [
    ...['base64-ssh-public-host-key', 'compress', 'max-connection-age', 'max-connections'],
    ...['path-info-cache-size', 'priority', 'remote-program', 'remote-store', 'trusted', 'want-mass-query'],
  ],
  telling: ['remote-store'],
  fields: ['sshKeyFile'],
  needs: [],
  upstreams: [],
};
