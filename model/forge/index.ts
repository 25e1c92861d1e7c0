import { gitea } from './gitea.js';
import type { ForgeKind } from './kinds.js';
import type { Forge } from './types.js';

/** Every kind of forge. Its other half is in `activities/forge/index.ts`. */
export const forges = { gitea } satisfies Record<ForgeKind, Forge>;
