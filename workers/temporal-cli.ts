import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Finds the Temporal CLI, which holds the embedded server: `$TEMPORAL_CLI`, the PATH, then what this project's set-up
 * has built.
 * @throws Error that says what was tried and how to get it
 */
export async function findTemporalCli(env: NodeJS.ProcessEnv): Promise<string> {
  const named = env.TEMPORAL_CLI;
  if (named !== undefined && named !== '') {
    if (await isExecutable(named)) return named;
    throw new Error(
      `TEMPORAL_CLI is ${named}, which is not an executable file: name the temporal command, or unset it`,
    );
  }
  const ownCopy = fileURLToPath(new URL('../../.cache/tools/bin/temporal', import.meta.url));
  const places = [
    ...(env.PATH ?? '')
      .split(delimiter)
      .filter(Boolean)
      .map((folder) => join(folder, 'temporal')),
    ownCopy,
  ];
  for (const place of places) if (await isExecutable(place)) return place;
  throw new Error(
    'the Temporal CLI ("temporal") is not on the PATH, and the embedded server needs it: run "npm run setup", install temporal-cli, or set TEMPORAL_CLI to it; or set TEMPORAL_ADDRESS to use a server that runs elsewhere',
  );
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
