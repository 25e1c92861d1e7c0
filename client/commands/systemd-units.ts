import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../host/files.js';
import { systemdUnits } from '../../model/machine/systemd-units.js';
import { messageOf } from '../../model/text/message-of.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { installed } from '../../host/installation.js';
import { message, result, resultJson } from '../terminal/output.js';

export interface SystemdUnitsOptions {
  readonly user: string;
  readonly address?: string;
  readonly userQueue?: true;
  readonly agent?: true;
  readonly directory?: string;
}

const PROGRAM = installed('bin/lockkeeper');

/** `lockkeeper systemd-units`: unit files of a worker, its schedules and runs that runs this very installation. */
export async function systemdUnitFiles(context: CommandContext, options: SystemdUnitsOptions): Promise<number> {
  const { user, address = null, userQueue = false, agent = false, directory } = options;
  // Node by its path: the one of this shell may not be on the PATH of a service.
  const { runKeyFile } = context;
  const units = systemdUnits({ command: [process.execPath, PROGRAM], user, address, runKeyFile, userQueue, agent });
  const files = Object.entries(units).map(
    ([name, text]) => [path.resolve(directory ?? '.', name), name, text] as const,
  );
  if (directory !== undefined)
    try {
      await makeFolder(directory, 0o777);
      for (const [file, , text] of files) await writeFile(file, text);
    } catch (error) {
      throw new CommandError(`--directory ${directory} cannot be written to: ${messageOf(error)}.`);
    }
  if (context.json) resultJson(units);
  else if (directory === undefined) result(files.map(([, name, text]) => `# ${name}\n${text}`).join('\n'));
  else for (const [file] of files) message(`written: ${file}`);
  if (directory === undefined)
    message('Write them to a folder with --directory /etc/systemd/system, then: systemctl daemon-reload');
  else if (userQueue) message(`Then: systemctl enable --now lockkeeper-${user}`);
  else if (user === 'lockkeeper')
    message(
      `Then: useradd --system --home-dir /var/lib/lockkeeper lockkeeper; systemctl enable --now lockkeeper lockkeeper-apply`,
    );
  else message('Then: systemctl enable --now lockkeeper lockkeeper-apply');
  if (directory !== undefined)
    message(`On Debian, whose Nix daemon serves a group, first: usermod --append --groups nix-users ${user}`);
  return 0;
}
