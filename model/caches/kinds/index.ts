import type { CacheKindName } from '../kind-names.js';
import type { CacheKind, CacheKinds } from '../types.js';
import { attic } from './attic.js';
import { cachix } from './cachix.js';
import { command } from './command.js';
import { file } from './file.js';
import { http } from './http.js';
import { s3 } from './s3.js';
import { ssh } from './ssh.js';

export const cacheKinds = { file, http, s3, ssh, cachix, attic, command } satisfies CacheKinds;

/** The scheme of an address; `''` when it has none. */
const schemeOf = (to: string): string => /^([a-z][a-z0-9+-]*):\/\//.exec(to)?.[1] ?? '';

/** The kind of a cache by its address; `null` for an unknown scheme. */
export const cacheKindName = (to: string): CacheKindName | null =>
  (Object.keys(cacheKinds) as CacheKindName[]).find((name) => kind(name).schemes.includes(schemeOf(to))) ?? null;

const kind = (name: CacheKindName): CacheKind => cacheKinds[name];
