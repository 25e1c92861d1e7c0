export type CacheKindName = 'file' | 'http' | 's3' | 'ssh' | 'cachix' | 'attic' | 'command';
