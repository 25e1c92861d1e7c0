import { FileFault, readBounded } from '../../host/bounded-file.js';
import { EnvFileFault, parseEnvFile } from '../../model/autofix/env-file.js';

/** Variables of the worker that its agents get. */
const KEPT = /^(?:PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ)$/;

/** What an agent has of the worker's environment: where programs are, and the locale. */
export const plainVariables = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => KEPT.test(entry[0]) && entry[1] !== undefined,
    ),
  );

/** The variables of a file (absolute path), none without one. @throws `EnvFileFault`, and what reading throws */
export async function readVariables(file: string | null): Promise<ReadonlyMap<string, string>> {
  if (file === null) return new Map();
  try {
    return parseEnvFile(await readBounded(file, MOST_BYTES));
  } catch (error) {
    throw error instanceof FileFault ? new EnvFileFault(`cannot be used: ${error.message}`) : error;
  }
}

/** The kernel gives no process more variables than a few MB. */
const MOST_BYTES = 1024 ** 2;
