import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Programs that only tests use, as `scripts/setup.mjs --tests` gets them; tests skip by name what is not there. */
const TOOLS = fileURLToPath(new URL('../../../.cache/tools/', import.meta.url));

/** Another version of Nix than the one on the PATH. */
export interface OtherNix {
  readonly name: string;
  /** Folder with `nix`, `nix-store` and so on, to be put first on the PATH. */
  readonly binDir: string;
}

/** The newer Nix versions that could be had on this machine: 2.26 (Debian trixie) and 2.34 (sid). */
export const otherNixes = (): readonly OtherNix[] =>
  [
    { name: 'Nix 2.26', binDir: `${TOOLS}nix-trixie/bin` },
    { name: 'Nix 2.34', binDir: `${TOOLS}nix-sid/bin` },
  ].filter(({ binDir }) => isProgram(`${binDir}/nix`));

/** dix 3.0.0, which set-up builds where there is cargo. */
export const DIX = `${TOOLS}dix/bin/dix`;

/** Why tests with dix cannot run here; `false` when they can. */
export const noDix = (): string | false =>
  isProgram(DIX) ? false : `no dix at ${DIX}: \`node scripts/setup.mjs --tests\` gets it where there is cargo`;

/** Why tests with a program of the PATH cannot run here; `false` when they can, as node:test's `skip` wants it. */
export const missing = (program: string): string | false =>
  (process.env.PATH ?? '').split(':').some((folder) => isProgram(`${folder}/${program}`))
    ? false
    : `there is no ${program} on the PATH`;

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
