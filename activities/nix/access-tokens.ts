import { environmentAroundGit, type ConfigEntry } from '../../model/git/environment.js';
import { finalFailure } from '../../model/run/failures.js';
import { rememberAccessTokens } from '../../host/secrets/redact.js';
import { PrivateFileFault, readPrivateFile } from '../../host/secrets/private-file.js';
import { nixEnvironment, withoutOthers } from '../../host/nix/environment.js';
import type { TreatedSettings } from './commands.js';

const TOKENS = { noun: 'list of access tokens', toMake: 'write "access-tokens = HOST=TOKEN" into it', most: 64 * 1024 };

/** A line of the file: a comment, nothing, or access tokens. Other settings of Nix do not belong into this file. */
const LINE = /^\s*(?:#.*|(?:extra-)?access-tokens\s*=.*)?$/;

/**
 * Environment of a Nix command that may fetch private inputs. The file's name goes into `NIX_CONFIG`, and Nix reads it:
 * the tokens themselves are in no argument and no environment.
 * @param git settings of Git above the person's own
 * @throws `TokenFile`, for good, when the file cannot be used
 */
export async function fetchingEnvironment(
  { accessTokensFile: file, distrusted }: Pick<TreatedSettings, 'accessTokensFile' | 'distrusted'>,
  git: readonly ConfigEntry[] = [],
): Promise<Record<string, string | undefined>> {
  const own = nixEnvironment(process.env, git);
  const env = distrusted === true ? { ...withoutOthers(own), ...environmentAroundGit({}, git) } : own;
  if (file === undefined) return env;
  await readAccessTokens(file);
  return { ...env, NIX_CONFIG: `${env.NIX_CONFIG ?? ''}\ninclude ${file}\n` };
}

/**
 * The token of the file for a repository on a forge, for Git, which knows nothing of that file.
 * @param url address of the repository
 * @returns `null` when the file has none for it
 * @throws `TokenFile`, for good, when the file cannot be used
 */
export async function accessTokenFor(
  { accessTokensFile: file }: Pick<TreatedSettings, 'accessTokensFile'>,
  url: string,
): Promise<string | null> {
  if (file === undefined) return null;
  const place = url.replace(/^https:\/\//, '');
  // As in Nix, the longest of those that the address begins with: a host, or an owner of it.
  const [best] = (await readAccessTokens(file))
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .flatMap((line) => [...line.replace(/^[^=]*=/, '').matchAll(/([^\s=]+)=(\S+)/g)])
    .map(([, key = '', token = '']) => ({ key, token: token.replace(/^(?:PAT|OAuth2):/i, '') }))
    .filter(({ key }) => place.startsWith(`${key}/`))
    .sort((one, other) => other.key.length - one.key.length);
  return best?.token ?? null;
}

/** Text of the file. @throws `TokenFile` */
async function readAccessTokens(file: string): Promise<string> {
  try {
    const text = await readPrivateFile(file, TOKENS);
    if (!text.split('\n').every((line) => LINE.test(line)))
      throw new PrivateFileFault('holds more than lines "access-tokens = HOST=TOKEN": leave out everything else');
    rememberAccessTokens(text);
    return text;
  } catch (error) {
    if (!(error instanceof PrivateFileFault)) throw error;
    throw finalFailure('TokenFile', `The file of Nix's access tokens ${JSON.stringify(file)} ${error.message}.`);
  }
}
