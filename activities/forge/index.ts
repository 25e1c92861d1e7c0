import type { ForgeKind } from '../../model/forge/kinds.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { openGitea } from './gitea.js';
import { openGithub } from './github.js';
import { openGitlab } from './gitlab.js';
import type { ForgeClient, OpenForge } from './types.js';

const openers = { gitea: openGitea, github: openGithub, gitlab: openGitlab } satisfies Record<ForgeKind, OpenForge>;

export const openForge = (forge: ForgeOptions): ForgeClient => openers[forge.kind](forge);
