import { chmod, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A server that Git reaches by SSH: every folder of this machine is on it. */
export interface SilentServer {
  /** Address of a repository on it, as an input of a flake. */
  readonly url: (repository: string) => string;
  /** Makes it refuse connections, or take them again. */
  readonly answers: (whether: boolean) => Promise<void>;
}

/** Lends a server that can be silent. An `ssh` of its own stands in for it, in the environment of this process. */
export async function withSilentServer(folder: string, work: (server: SilentServer) => Promise<void>): Promise<void> {
  const program = path.join(folder, 'ssh');
  const down = path.join(folder, 'down');
  await writeFile(
    program,
    [
      '#!/bin/sh',
      `[ -e '${down}' ] && { echo 'ssh: connect to host server.example port 22: Connection refused' >&2; exit 255; }`,
      'for last; do :; done',
      'exec sh -c "$last"',
      '',
    ].join('\n'),
  );
  await chmod(program, 0o755);
  const { GIT_SSH_COMMAND, GIT_SSH_VARIANT } = process.env;
  Object.assign(process.env, { GIT_SSH_COMMAND: program, GIT_SSH_VARIANT: 'ssh' });
  try {
    await work({
      url: (repository) => `git+ssh://git@server.example${repository}?ref=main`,
      answers: async (whether) => {
        if (whether) await rm(down, { force: true });
        else await writeFile(down, '');
      },
    });
  } finally {
    for (const [name, value] of Object.entries({ GIT_SSH_COMMAND, GIT_SSH_VARIANT }))
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
  }
}
