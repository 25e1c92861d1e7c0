import { stripControl } from '../text/text.js';

export interface NixVersion {
  readonly major: number;
  readonly minor: number;
  /** The whole line that `nix --version` printed. */
  readonly text: string;
}

export const atLeast = (version: NixVersion, major: number, minor: number): boolean =>
  version.major > major || (version.major === major && version.minor >= minor);

/** Reads `nix (Nix) 2.8.0` and its kin, where the last number is that of Nix: `nix (Determinate Nix 3.5.2) 2.28.3`. */
export function parseNixVersion(output: string): NixVersion | null {
  const text = stripControl(output).trim().split('\n')[0] ?? '';
  const found = [...text.matchAll(/(\d+)\.(\d+)/g)].at(-1);
  return found === undefined ? null : { major: Number(found[1]), minor: Number(found[2]), text };
}
