import type { ForgeOptions } from '../../model/run/options.js';
import { requestIn } from './issue-api.js';
import type { Json } from './json.js';
import type { ForgeRequest } from './types.js';

export const requestOf = (forge: ForgeOptions, json: Json): ForgeRequest =>
  requestIn(forge, json, {
    // Forks have ids of their own, and names that may change.
    isOwn: (head, base) => head.repo_id === base.repo_id,
    isMerged: json.merged === true,
  });
