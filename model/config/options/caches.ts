import { cacheName } from '../../caches/name.js';
import { cacheTable } from '../cache.js';
import { UPLOADS } from '../../run/defaults.js';
import type { RunOptions } from '../../run/options.js';
import { flag, listOf, whole } from '../kinds.js';
import { option, type Values } from './types.js';

export const caches = {
  caches: option(
    listOf(cacheTable, 'tables'),
    [],
    '[{ to = "file:///srv/cache", secretKeyFile = "/etc/cache.key" }]',
    'binary caches that get what is built, see [caches.md](caches.md): a table for each',
    {
      flag: '--cache <cache>',
      help: 'upload what is built to this cache: an address, then `NAME=VALUE` for each key of docs/caches.md, in quotes as one word',
    },
  ),
  uploads: option(whole(1, 100), UPLOADS, '4', 'how many targets each machine uploads at once', {
    flag: '--uploads <n>',
    needs: ['caches'],
  }),
  uploadBroken: option(flag, false, 'true', 'also upload what was finished of a target whose build failed', {
    flag: '--upload-broken',
    needs: ['caches'],
  }),
};

/** The caches in the order in which they are filled. */
export const cachesOf = ({
  caches: wanted,
  uploads,
  uploadBroken,
}: Values<typeof caches>): Pick<RunOptions, 'caches' | 'uploads' | 'uploadBroken'> => ({
  ...(wanted.length === 0
    ? {}
    : { caches: [...wanted].sort((one, other) => one.priority - other.priority || (one.to < other.to ? -1 : 1)) }),
  ...(wanted.length === 0 || uploads === UPLOADS ? {} : { uploads }),
  ...(wanted.length > 0 && uploadBroken && { uploadBroken }),
});

/** The address that two caches have; `null` when none do. */
export function cacheNamedTwice(wanted: Values<typeof caches>['caches']): string | null {
  const names = wanted.map(({ to }) => cacheName(to));
  return names.find((name, index) => names.indexOf(name) !== index) ?? null;
}
