import type { CacheKindName } from '../../../model/caches/kind-names.js';
import { attic } from './attic.js';
import { cachix } from './cachix.js';
import { command } from './command.js';
import { file } from './file.js';
import { http } from './http.js';
import { s3 } from './s3.js';
import { ssh } from './ssh.js';
import type { CacheHandler } from '../types.js';

export const cacheHandlers = { file, http, s3, ssh, cachix, attic, command } satisfies Readonly<
  Record<CacheKindName, CacheHandler>
>;
