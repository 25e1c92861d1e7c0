import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { GateCheck, Preset } from '../../model/gates/gate.js';
import type { NixSettings } from '../../model/run.js';
import { evaluationOptions } from '../nix/commands.js';

/** The words of a gate's command, which starts in the folder of the flake. */
export const gateCommand = (check: GateCheck, nix: NixSettings): readonly string[] =>
  check.kind === 'command' ? check.words : PRESET_COMMANDS[check.preset](nix);

const PRESET_COMMANDS: Readonly<Record<Preset, (nix: NixSettings) => readonly string[]>> = {
  'flake-check': (nix) => [
    'nix',
    'flake',
    'check',
    ...evaluationOptions(nix),
    '--no-update-lock-file',
    '--keep-going',
    '--print-build-logs',
  ],
  // Formatters have no common way to ask whether all is well; what they would change is seen in the work tree.
  fmt: (nix) => ['nix', 'fmt', ...evaluationOptions(nix), '--no-update-lock-file', '--', '.'],
  statix: () => ['statix', 'check', '.'],
  deadnix: () => ['deadnix', '--fail', '.'],
};

/**
 * Why a command cannot be started, as a sentence without its end; `null` when it can.
 * @param directory where it would be started
 */
export async function whyNotStarted(command: string, directory: string, searchPath: string): Promise<string | null> {
  if (command.includes('/')) {
    return (await isProgram(path.resolve(directory, command))) ? null : `there is no program ${command}`;
  }
  for (const folder of searchPath.split(path.delimiter)) {
    if (folder !== '' && (await isProgram(path.resolve(directory, folder, command)))) return null;
  }
  return `there is no ${command} on the PATH of the worker`;
}

const isProgram = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
