import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const installed = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Version of Lockkeeper, from package.json. */
export const version = (): string =>
  (JSON.parse(readFileSync(installed('package.json'), 'utf8')) as { readonly version: string }).version;
