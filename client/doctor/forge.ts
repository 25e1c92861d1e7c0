import { appToken } from '../../host/github-app.js';
import { request, type Answer } from '../../host/http.js';
import { PrivateFileFault } from '../../host/secrets/private-file.js';
import { readTokenFile } from '../../host/secrets/token-file.js';
import { forgeAddress, type ForgeAddress, type ToldForge } from '../../model/forge/address.js';
import { forges } from '../../model/forge/index.js';
import { daysLeft, jobTokenWords, missingPermissions, scopeFault } from '../../model/forge/tokens.js';
import { messageOf } from '../../model/text/message-of.js';
import { oneLine } from '../../model/text/one-line.js';
import { resolveConfigured } from '../flake/flake.js';
import { parseFlakeReference } from '../flake/reference.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** A forge as flags name it. */
export interface NamedForge extends ToldForge {
  /** File with a token, or with the private key of the App. */
  readonly tokenFile: string;
  /** `null`: the file holds a token. */
  readonly appId: string | null;
}

const LIMIT_MS = 10_000;
const NAME = 'forge token';
const SEE = 'see docs/pull-requests.md for its rights';
const NONE = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null };
/** Days before its end in which a token is told of. */
const SOON_DAYS = 14;

/** What a token or an App may do for pull requests of a flake's repository, as far as its forge says. */
export async function checkForge(named: NamedForge | null, flake: string | null): Promise<readonly Finding[]> {
  if (named === null) return [];
  try {
    const reference = parseFlakeReference(flake ?? '.');
    // Its address is all that is needed: the remote itself may want other credentials.
    const repository = await resolveConfigured(reference, { remote: null, main: 'main', transport: NONE }, 'FLAKE');
    const forge = forgeAddress(named, repository);
    const { appId, tokenFile } = named;
    if (appId !== null) return await ofApp(forge, await appToken(appId, tokenFile));
    return await ofToken(forge, tokenFile, await readTokenFile(tokenFile));
  } catch (error) {
    if (error instanceof PrivateFileFault)
      return [fail(NAME, `${named.tokenFile} ${error.message}`, 'see docs/pull-requests.md')];
    return [fail(NAME, oneLine(messageOf(error), 500), 'see docs/pull-requests.md')];
  }
}

/** @param path below the address of the API */
function ask({ kind, url }: ForgeAddress, token: string, path: string, body?: object): Promise<Answer> {
  const forge = forges[kind];
  const headers = { accept: 'application/json', 'content-type': 'application/json', ...forge.headers(token) };
  const limits = { timeoutMs: LIMIT_MS, signal: new AbortController().signal };
  const init =
    body === undefined ? { method: 'GET', headers } : { method: 'POST', headers, body: JSON.stringify(body) };
  return request(`${forge.api(url)}${path}`, init, limits);
}

const where = ({ kind, url }: ForgeAddress): string => `${forges[kind].label} at ${url}`;

async function ofToken(forge: ForgeAddress, tokenFile: string, token: string): Promise<readonly Finding[]> {
  const { kind, repository } = forge;
  const path = forges[kind].repositoryPath(repository);
  const job = jobTokenWords(kind, token, process.env.CI_JOB_TOKEN ?? null);
  if (job?.isRefused === true) return [fail(NAME, job.words, SEE)];
  const answer = await ask(forge, token, path);
  const described = descriptionIn(forge, tokenFile, answer);
  if (described.kind === 'finding') return [described.finding];
  const { push, requests } = forges[kind].access(described.json);
  if (requests === false) return [fail(NAME, `${repository} takes no pull requests`, 'turn them on in its settings')];
  if (push === false)
    return [
      fail(NAME, `its account may not push to ${repository}`, 'let it write there, or use the token of another one'),
    ];
  const { scopes, end } = await aboutToken(forge, token, answer);
  const faults = [
    ...(scopes === null ? [] : [scopeFault(kind, scopes, described.json.private === false)]),
    ...(await Promise.all(forges[kind].trials.map((trial) => tried(forge, token, trial)))),
  ].filter((each) => each !== null);
  if (faults.length > 0) return [...new Set(faults)].map((each) => fail(NAME, each, SEE));
  const days = daysLeft(end, Date.now());
  const may = `${where(forge)} accepts it for ${repository}`;
  return [
    push === null
      ? warn(NAME, `${may}, and does not say whether its account may push`, 'a run finds out when it pushes')
      : ok(NAME, `${may}; its account may push, and it may open pull requests`),
    ...(job === null ? [] : [warn(NAME, job.words, 'use a GitHub App of your own, or the token of an account')]),
    ...(days === null || days > SOON_DAYS
      ? []
      : [warn(NAME, `ends on ${end?.slice(0, 10) ?? ''}`, `write a new one into ${tokenFile} before`)]),
  ];
}

type Described =
  | { readonly kind: 'json'; readonly json: Readonly<Record<string, unknown>> }
  | { readonly kind: 'finding'; readonly finding: Finding };

/** A forge's description of the repository, or what keeps it from giving one. */
function descriptionIn(forge: ForgeAddress, tokenFile: string, answer: Answer): Described {
  const failed = (what: string, wayOut: string): Described => ({ kind: 'finding', finding: fail(NAME, what, wayOut) });
  if (answer.kind === 'failed') return failed(`${where(forge)} does not answer: ${answer.reason}`, 'check its address');
  const { status, body } = answer;
  if (status === 401)
    return failed(`${where(forge)} does not accept it (HTTP 401)`, `write a valid one into ${tokenFile}`);
  if (status >= 300 && status < 400)
    return failed(`${where(forge)} has another address for ${forge.repository}`, 'give the remote its new address');
  if (status !== 200) return failed(`${where(forge)} shows it no ${forge.repository} (HTTP ${status})`, SEE);
  const json = parsed(body);
  return json === null
    ? failed(`${where(forge)} answers with no JSON`, 'give its address with --forge-url')
    : { kind: 'json', json };
}

interface AboutToken {
  /** `null` where the forge does not say. */
  readonly scopes: readonly string[] | null;
  /** The day of its end, `2027-01-31`, and perhaps more. */
  readonly end: string | null;
}

async function aboutToken(forge: ForgeAddress, token: string, answer: Answer): Promise<AboutToken> {
  const header = (name: string): string | null => (answer.kind === 'answered' ? answer.header(name) : null);
  if (forge.kind !== 'gitlab') {
    // Of tokens with permissions the scopes say nothing.
    const said = /^(?:github_pat|ghs)_/.test(token) ? null : header('x-oauth-scopes');
    const scopes = said?.split(',').map((each) => each.trim()) ?? null;
    return { scopes, end: header('github-authentication-token-expiration') };
  }
  const self = await ask(forge, token, '/personal_access_tokens/self');
  const { scopes, expires_at: end } =
    (self.kind === 'answered' && self.status === 200 ? parsed(self.body) : null) ?? {};
  return {
    scopes: Array.isArray(scopes) ? scopes.map(String) : null,
    end: typeof end === 'string' ? end : null,
  };
}

/** Asks for something that is refused for what it is, but only to those who may ask: what such a trial says is missing. */
async function tried(
  forge: ForgeAddress,
  token: string,
  { path, body, words }: (typeof forges)[ForgeAddress['kind']]['trials'][number],
): Promise<string | null> {
  const answer = await ask(forge, token, `${forges[forge.kind].repositoryPath(forge.repository)}${path}`, body);
  if (answer.kind === 'failed' || ![401, 403].includes(answer.status)) return null;
  const wanted = answer.header('x-accepted-github-permissions');
  return `may not ${words}${wanted === null ? '' : `: it needs ${oneLine(wanted, 100)}`}`;
}

async function ofApp(forge: ForgeAddress, token: string): Promise<readonly Finding[]> {
  const { kind, repository } = forge;
  const failed = (what: string, mend: string): readonly Finding[] => [fail(NAME, what, mend)];
  if (kind !== 'github') return failed(`${where(forge)} has no Apps`, 'use a token: --forge-token-file');
  const answer = await ask(forge, token, `${forges[kind].repositoryPath(repository)}/installation`);
  if (answer.kind === 'failed') return failed(`${where(forge)} does not answer: ${answer.reason}`, 'check its address');
  const { status, body } = answer;
  if (status === 401)
    return failed(
      `${where(forge)} does not accept the App (HTTP 401)`,
      'check its id, its key, and the clock of this machine',
    );
  const json = status === 200 ? parsed(body) : null;
  if (json === null)
    return failed(
      `the App is not installed for ${repository} (HTTP ${status})`,
      'install it in the settings of the App',
    );
  if (typeof json.suspended_at === 'string')
    return failed('the installation of the App is suspended', 'end that in the settings of the account');
  const { needed, useful } = missingPermissions((json.permissions ?? {}) as Readonly<Record<string, unknown>>);
  if (needed.length > 0) return failed(`the App may not write ${needed.join(', ')}`, TO_PERMIT);
  const all = useful.length === 0 ? ', with all permissions' : '';
  return [
    ok(NAME, `${where(forge)} has the App installed for ${repository}${all}`),
    ...useful.map((each) => warn(NAME, each, TO_PERMIT)),
  ];
}

const TO_PERMIT = 'give it these permissions in its settings, and accept them where it is installed';

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
