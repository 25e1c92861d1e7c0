import type { CacheKindName } from './kind-names.js';

/** A cache that gets what targets are built to: one entry of `caches`. */
export interface Cache {
  /** Address as `nix copy --to` takes it, perhaps with parameters of the store; no secret is in it. */
  readonly to: string;
  /** Whether what is to follow a build waits until this cache has it. */
  readonly required: boolean;
  /** Caches are filled one after the other, the smallest number first. */
  readonly priority: number;
  /** Nix's secret key, which signs what is copied. */
  readonly secretKeyFile?: string;
  /** File with user and password of an HTTP cache: netrc(5). */
  readonly netrcFile?: string;
  /** File with the access keys of S3, as the AWS command line has it. */
  readonly credentialsFile?: string;
  readonly sshKeyFile?: string;
  /** File with the token of Cachix or Attic. */
  readonly tokenFile?: string;
  readonly compression?: string;
  /** Public keys that hosts trust, `NAME:BASE64`; missing: the public half of `secretKeyFile`. */
  readonly trustedKeys?: readonly string[];
  /** HTTP address at which hosts read what is uploaded elsewhere. */
  readonly readUrl?: string;
  /** Caches that hosts fetch from as well: a path that one of them has need not be in this one. */
  readonly upstreams?: readonly string[];
}

export type CacheField = Exclude<keyof Cache, 'to' | 'required' | 'priority'>;

export interface CacheKind {
  /** Such as `file`. */
  readonly schemes: readonly string[];
  readonly example: string;
  /** What is wrong with an address of this scheme, as the end of a sentence; `null` when nothing is. */
  readonly fault: (address: string) => string | null;
  /** Parameters of Nix's store that the address may have. */
  readonly parameters: readonly string[];
  /** Those of them that make it another cache: one that differs in others alone is the same. */
  readonly telling: readonly string[];
  readonly fields: readonly CacheField[];
  /** Those of them that have to be given. */
  readonly needs: readonly CacheField[];
  /** What is uploaded by others, so that it is left out here: `upstreams` where none are given. */
  readonly upstreams: readonly string[];
}

export type CacheKinds = Readonly<Record<CacheKindName, CacheKind>>;
