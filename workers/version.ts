import { createRequire } from 'node:module';

/** Version of Lockkeeper, from package.json. */
export const VERSION: string = (createRequire(import.meta.url)('../../package.json') as { readonly version: string })
  .version;
