import { request, type Answer } from '../../host/http.js';
import { PrivateFileFault } from '../../host/secrets/private-file.js';
import { readTokenFile } from '../../host/secrets/token-file.js';
import { forgeAddress, type ForgeAddress, type ToldForge } from '../../model/forge/address.js';
import { forges } from '../../model/forge/index.js';
import { messageOf } from '../../model/text/message-of.js';
import { oneLine } from '../../model/text/one-line.js';
import { resolveConfigured } from '../flake/flake.js';
import { parseFlakeReference } from '../flake/reference.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** A forge as flags name it. */
export interface NamedForge extends ToldForge {
  readonly tokenFile: string;
}

const LIMIT_MS = 10_000;
const NAME = 'forge token';
const NONE = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null };

/** What a token may do for pull requests of a flake's repository, as far as its forge says. */
export async function checkForge(named: NamedForge | null, flake: string | null): Promise<readonly Finding[]> {
  return named === null ? [] : [await tried(named, flake ?? '.')];
}

async function tried(named: NamedForge, flake: string): Promise<Finding> {
  try {
    const reference = parseFlakeReference(flake);
    // Its address is all that is needed: the remote itself may want other credentials.
    const repository = await resolveConfigured(reference, { remote: null, main: 'main', transport: NONE }, 'FLAKE');
    const forge = forgeAddress(named, repository);
    return findingOf(forge, named.tokenFile, await ask(forge, await readTokenFile(named.tokenFile)));
  } catch (error) {
    if (error instanceof PrivateFileFault)
      return fail(NAME, `${named.tokenFile} ${error.message}`, 'see docs/pull-requests.md');
    return fail(NAME, oneLine(messageOf(error), 500), 'see docs/pull-requests.md');
  }
}

function ask({ kind, url, repository }: ForgeAddress, token: string): Promise<Answer> {
  const forge = forges[kind];
  const headers = { accept: 'application/json', ...forge.headers(token) };
  const limits = { timeoutMs: LIMIT_MS, signal: new AbortController().signal };
  return request(`${forge.api(url)}${forge.repositoryPath(repository)}`, { method: 'GET', headers }, limits);
}

function findingOf({ kind, url, repository }: ForgeAddress, tokenFile: string, answer: Answer): Finding {
  const where = `${forges[kind].label} at ${url}`;
  if (answer.kind === 'failed') return fail(NAME, `${where} does not answer: ${answer.reason}`, 'check its address');
  const { status, body } = answer;
  if (status === 401)
    return fail(NAME, `${where} does not accept it (HTTP 401)`, `write a valid one into ${tokenFile}`);
  if (status !== 200)
    return fail(
      NAME,
      `${where} shows it no ${repository} (HTTP ${status})`,
      'see docs/pull-requests.md for its rights',
    );
  const json = parsed(body);
  if (json === null) return fail(NAME, `${where} answers with no JSON`, 'give its address with --forge-url');
  const { push, requests } = forges[kind].access(json);
  if (requests === false) return fail(NAME, `${repository} takes no pull requests`, 'turn them on in its settings');
  if (push === false)
    return fail(
      NAME,
      `its account may not push to ${repository}`,
      'let it write there, or use the token of another one',
    );
  const may = `${where} accepts it for ${repository}`;
  return push === null
    ? warn(NAME, `${may}, and does not say what it may do`, 'a run finds out before it builds anything')
    : ok(NAME, `${may}; its account may push. What the token itself may do, a run tries before it builds anything`);
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
