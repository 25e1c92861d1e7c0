import { hasWildcard } from '../text/wildcard.js';
import { attributePath, readAttributePath } from '../nix/text.js';
import { outputKind } from './output.js';
import { NoName, type OutputKind } from './types.js';

export interface AttributeTarget {
  readonly kind: 'attribute';
  /** Path from the flake's outputs, such as `hydraJobs.web` or `hydraJobs."a.b"`. */
  readonly name: string;
}

/** What no other kind has: attributes by their paths. */
export const attribute: OutputKind<AttributeTarget> = outputKind(
  { noun: 'attribute', prefix: 'attr:', output: null, example: 'attr:hydraJobs.*', derivation: [] },
  {
    path: (text) => {
      const path = readAttributePath(text);
      if (path === null)
        throw new NoName(
          'is not an attribute path: write names with dots between them, in quotes where they hold dots',
        );
      return path;
    },
    nameAt: (path) => path.map((name) => (hasWildcard(name) ? name : attributePath([name]))).join('.'),
    looked: (path) => path.length,
  },
);
