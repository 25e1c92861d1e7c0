import { oneLine } from '../text/one-line.js';
import { membersOf, outputKind } from './output.js';
import type { OutputKind } from './types.js';

export interface HostTarget {
  readonly kind: 'nixos';
  /** Attribute name under `nixosConfigurations`; may hold dots and `@`. */
  readonly name: string;
}

export const nixos: OutputKind<HostTarget> = {
  ...outputKind<HostTarget>(
    {
      noun: 'host',
      prefix: 'nixos:',
      output: 'nixosConfigurations',
      example: 'nixos:*',
      derivation: ['config', 'system', 'build', 'toplevel'],
    },
    membersOf('nixosConfigurations'),
  ),
  breakage: (name, verdict) => `${name} ${verdict === 'evaluation-failed' ? 'does not evaluate' : 'does not build'}`,
  task: ({ name }, flake) => {
    const host = oneLine(name, 200);
    return [
      `# Fix the NixOS host ${host}`,
      `An update of flake.lock broke \`nixosConfigurations."${host}"\` of ${flake}. ` +
        'The new lock is committed already. Change the configuration so that the host works with it. Change as little as possible.',
    ];
  },
};
