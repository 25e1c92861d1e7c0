import type { NotifierKind } from '../../model/run/options.js';
import { ntfy } from './ntfy.js';
import { org } from './org.js';
import type { Teller } from './types.js';

export const tellers = { ntfy, org } satisfies Record<NotifierKind, Teller>;
