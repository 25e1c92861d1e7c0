import { lookByNix } from '../look/nix.js';
import { filledByNix } from '../nix-commands.js';
import type { CacheHandler } from '../types.js';

export const ssh: CacheHandler = { ...filledByNix, look: lookByNix };
