import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { GateCheck, Preset } from '../../model/gates/gate.js';
import type { NixSettings } from '../../model/run/options.js';
import { checkFlake, evaluationOptions } from '../nix/commands.js';

/** The words of a gate's command, which starts in the folder of the flake. */
export const gateCommand = (check: GateCheck, nix: NixSettings): readonly string[] =>
  check.kind === 'command' ? check.words : PRESET_COMMANDS[check.preset](nix);

const PRESET_COMMANDS: Readonly<Record<Preset, (nix: NixSettings) => readonly string[]>> = {
  'flake-check': (nix) => ['nix', ...checkFlake(nix)],
  // Formatters have no common way to ask whether all is well; what they would change is seen in the work tree.
  fmt: (nix) => ['nix', 'fmt', ...evaluationOptions(nix), '--no-update-lock-file', '--', '.'],
  statix: () => ['statix', 'check', '.'],
  deadnix: () => ['deadnix', '--fail', '.'],
};

/** Absolute path of a program; `null` when it cannot be started. @param directory where it would be started */
export async function findProgram(command: string, directory: string, searchPath: string): Promise<string | null> {
  const folders = command.includes('/') ? [''] : searchPath.split(path.delimiter).filter(Boolean);
  for (const folder of folders) {
    const file = path.resolve(directory, folder, command);
    if (await isProgram(file)) return file;
  }
  return null;
}

/** Why a program was not found, as a sentence without its end. */
export const notFound = (command: string): string =>
  command.includes('/') ? `there is no program ${command}` : `there is no ${command} on the PATH of the worker`;

const isProgram = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
