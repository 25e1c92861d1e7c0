import type { VerdictKind } from '../targets/types.js';
import { cacheName } from './name.js';
import type { Cache } from './types.js';

/**
 * What became of the upload of one target to one cache.
 * - `uploaded`: the cache lacked something, and was seen to have all of it afterwards
 * - `nothing-to-do`: it was seen to have all of it already
 * - `failed`: it lacks something
 */
export const UPLOAD_OUTCOMES = ['uploaded', 'nothing-to-do', 'failed'] as const;
export type UploadOutcome = (typeof UPLOAD_OUTCOMES)[number];

export interface CacheOutcome {
  /** `cacheName` of its address. */
  readonly cache: string;
  readonly required: boolean;
  readonly outcome: UploadOutcome;
  /** Why it failed, in one line; `null` when it did not. */
  readonly reason: string | null;
  /** Paths that were copied, and their bytes unpacked. */
  readonly paths: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Machine that uploaded, and the absolute path of the log there; `null` when nothing was begun. */
  readonly machine: string | null;
  readonly logPath: string | null;
}

/**
 * Names of the required caches that were not seen to have what a target was built to; empty when all have it.
 * @param target its verdict, or what a report says of it
 * @param caches those of the run; missing when there are none
 */
export function lackingCaches(
  target: { readonly verdict: VerdictKind; readonly caches?: readonly CacheOutcome[] },
  caches: readonly Cache[] = [],
): readonly string[] {
  const has = (name: string): boolean =>
    target.verdict === 'built' &&
    (target.caches ?? []).some(({ cache, outcome }) => cache === name && outcome !== 'failed');
  return caches.filter(({ required, to }) => required && !has(cacheName(to))).map(({ to }) => cacheName(to));
}
