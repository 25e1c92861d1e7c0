import { gitea } from './gitea.js';
import { github } from './github.js';
import { gitlab } from './gitlab.js';
import type { ForgeKind } from './kinds.js';
import type { Forge } from './types.js';

/** Every kind of forge. Its other half is in `activities/forge/index.ts`. */
export const forges = { gitea, github, gitlab } satisfies Record<ForgeKind, Forge>;
