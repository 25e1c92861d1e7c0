const COPYING = /^copying path '([^']+)' to '/;
const MENTIONED = /\/nix\/store\/[0-9a-df-np-sv-z]{32}-[\w+.?=-]+/;

/** The path that a line of Nix says is being copied; `null` for another line. */
export const copiedByNix = (line: string): string | null => COPYING.exec(line)?.[1] ?? null;

/** The path that a line of another program names; `null` when it names none. */
export const mentionedPath = (line: string): string | null => MENTIONED.exec(line)?.[0] ?? null;
