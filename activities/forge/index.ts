import type { ForgeKind } from '../../model/forge/kinds.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { openGitea } from './gitea.js';
import type { ForgeClient, OpenForge } from './types.js';

const openers = { gitea: openGitea } satisfies Record<ForgeKind, OpenForge>;

export const openForge = (forge: ForgeOptions): ForgeClient => openers[forge.kind](forge);
