import type { Repository } from '../run/options.js';

export const whereWords = ({ local, displayUrl }: Pick<Repository, 'local' | 'displayUrl'>): string =>
  local ? `in ${displayUrl} (it has no remote)` : `at ${displayUrl}`;
