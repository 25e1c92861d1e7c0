import { readFile } from 'node:fs/promises';
import { parseEnvFile } from '../../model/autofix/env-file.js';

/** Variables of the worker that its agents get. */
const KEPT = /^(?:PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ)$/;

/** What an agent has of the worker's environment: where programs are, and the locale. */
export const plainVariables = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => KEPT.test(entry[0]) && entry[1] !== undefined,
    ),
  );

/**
 * The variables of a file, none without one. Throws `EnvFileFault`, and what reading throws.
 * @param file absolute path
 */
export const readVariables = async (file: string | null): Promise<ReadonlyMap<string, string>> =>
  file === null ? new Map() : parseEnvFile(await readFile(file, 'utf8'));
