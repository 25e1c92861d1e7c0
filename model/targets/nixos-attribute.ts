import { attributePath, readAttributePath } from '../nix/text.js';
import { outputKind } from './output.js';
import { NoName, type OutputKind } from './types.js';

/** Something else than its system to build of a host. */
export interface HostAttributeTarget {
  readonly kind: 'nixos-attribute';
  /** `HOST.config.PATH`, such as `athena.config.system.build.isoImage`; the host's own name may hold dots and `@`. */
  readonly name: string;
}

const PARTS = /^(.+?)\.config\.(.+)$/su;

/** What a host has beside its system: images, installers, virtual machines. */
export const nixosAttribute: OutputKind<HostAttributeTarget> = outputKind(
  {
    noun: 'host attribute',
    prefix: 'nixos:',
    output: 'nixosConfigurations',
    example: 'nixos:HOST.config.system.build.isoImage',
    derivation: [],
    owns: (name) => PARTS.test(name),
  },
  {
    path: (text) => {
      const [, host = '', rest = ''] = PARTS.exec(text) ?? [];
      const below = readAttributePath(rest);
      if (below === null || rest.includes('*'))
        throw new NoName(
          'has no whole attribute path behind its host: write one as in HOST.config.system.build.isoImage',
        );
      return ['nixosConfigurations', host, 'config', ...below];
    },
    nameAt: ([, host = '', ...rest]) => `${host}.${attributePath(rest)}`,
    looked: () => 2,
  },
);
