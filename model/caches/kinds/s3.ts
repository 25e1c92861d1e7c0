import type { CacheKind } from '../types.js';
import { BINARY_CACHE_PARAMETERS } from './binary-cache.js';

/** A bucket of S3, or of what speaks like it. */
export const s3: CacheKind = {
  schemes: ['s3'],
  example: 's3://bucket?region=eu-central-1',
  fault: (address) =>
    /^s3:\/\/[A-Za-z0-9][A-Za-z0-9._-]*\/?$/.test(address) ? null : 'names no bucket: write s3://BUCKET.',
  parameters: [
    ...BINARY_CACHE_PARAMETERS,
    ...['log-compression', 'ls-compression', 'narinfo-compression', 'profile', 'region', 'scheme', 'endpoint'],
    ...['addressing-style', 'storage-class', 'buffer-size', 'multipart-upload'],
    ...['multipart-chunk-size', 'multipart-threshold'],
  ],
  telling: ['endpoint'],
  fields: ['secretKeyFile', 'credentialsFile', 'compression', 'trustedKeys', 'readUrl', 'upstreams'],
  needs: [],
  upstreams: [],
};
