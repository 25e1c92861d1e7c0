import { oneLine } from '../text/one-line.js';
import type { OutputKind } from './types.js';

/** A host to build. */
export interface HostTarget {
  readonly kind: 'nixos';
  /** Attribute name under `nixosConfigurations`; may hold dots and `@`. */
  readonly name: string;
}

/** NixOS hosts. */
export const nixos: OutputKind<HostTarget> = {
  noun: 'host',
  good: 'built',
  prefix: '',
  verdicts: {
    built: 'built',
    'evaluation-failed': 'does not evaluate',
    'build-failed': 'build failed',
    'timed-out': 'timed out',
    skipped: 'skipped',
  },
  building: 'building',
  notRequired: 'not required',
  output: 'nixosConfigurations',
  names: 'builtins.attrNames',
  attribute: (name) => [name],
  derivation: ['config', 'system', 'build', 'toplevel'],
  breakage: (name, verdict) => `${name} ${verdict === 'evaluation-failed' ? 'does not evaluate' : 'does not build'}`,
  complaint: (verdict) =>
    verdict === 'evaluation-failed' ? 'It does not evaluate.' : 'It evaluates, and its build fails.',
  task: ({ name }, flake) => {
    const host = oneLine(name, 200);
    return [
      `# Mend the NixOS host ${host}`,
      `An update of flake.lock broke \`nixosConfigurations."${host}"\` of ${flake}. ` +
        'The new lock is committed already. Change the configuration so that the host works with it. Change as little as possible.',
    ];
  },
};
