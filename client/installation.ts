import { fileURLToPath } from 'node:url';

/** Where a file of this program is, by its path from the top of the installation. */
export const installed = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
