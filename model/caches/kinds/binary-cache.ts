/** Parameters of each store that is a binary cache: `nix help-stores`, and the manual of Nix 2.8. */
export const BINARY_CACHE_PARAMETERS = [
  'compression-level',
  'index-debug-info',
  'local-nar-cache',
  'parallel-compression',
  'path-info-cache-size',
  'priority',
  'store',
  'trusted',
  'want-mass-query',
  'write-nar-listing',
] as const;
