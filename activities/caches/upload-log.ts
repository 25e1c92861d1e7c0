import { linesOf } from '../supervised/log.js';

const COPYING = /^copying path '([^']+)' to '/;

/** The path that a line of Nix says is being copied; `null` for another line. */
export const copiedPath = (line: string): string | null => COPYING.exec(line)?.[1] ?? null;

/** All paths that a log says were copied. */
export async function copiedPaths(log: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const line of linesOf(log, 0)) {
    const path = copiedPath(line);
    if (path !== null) found.add(path);
  }
  return found;
}
