import { Context } from '@temporalio/activity';
import { appToken } from '../../host/github-app.js';
import { request } from '../../host/http.js';
import { forges } from '../../model/forge/index.js';
import { appPermissions } from '../../model/forge/tokens.js';
import { finalFailure } from '../../model/run/failures.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { oneLine } from '../../model/text/one-line.js';
import { PrivateFileFault } from '../../host/secrets/private-file.js';
import { rememberSecret } from '../../host/secrets/redact.js';
import { readTokenFile } from '../../host/secrets/token-file.js';
import {
  failureOf,
  notOfItsKind,
  pageInstead,
  refused,
  saidIn,
  strange,
  unreachable,
  type Answered,
} from './answers.js';
import { objectOf, textOf, type Json } from './json.js';

const TIMEOUT_MS = 30_000;
/** Room for a page of requests with long texts. */
const BODY_BYTES = 32 * 1024 * 1024;
/** Redirects that are followed one after the other. */
const MOST_REDIRECTS = 3;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Below the address of the API's description of the repository. */
  readonly path: string;
  /** The whole address, of what is not below that. */
  readonly address?: string;
  readonly body?: object;
  /** What is an answer beside 2xx: by the status code, and by what the forge says. */
  readonly expects?: readonly number[] | ((status: number, said: string) => boolean);
}

export interface Reply {
  readonly status: number;
  /** What JSON the body holds. */
  readonly json: unknown;
  /** Query of the address at which a list goes on, `?page=2` or the like; `null` at its end, or when the forge does not say. */
  readonly next: string | null;
  /** The forge's own words about an answer beside 2xx. */
  readonly said: string;
}

export interface Http {
  call(call: Call): Promise<Reply>;
  /** Whether the forge has sent us to another address of the repository. */
  hasMoved(): boolean;
}

/**
 * The API of a forge, for one repository. The token is read for each call, goes to that host alone, and is in no message. What may
 * pass is `ForgeUnreachable`, with the pause that the forge asks for; everything else is final and says what to do.
 */
export function openHttp(forge: ForgeOptions): Http {
  const kind = forges[forge.kind];
  const told = `${kind.api(forge.url)}${kind.repositoryPath(forge.repository)}`;
  // A repository that has moved is at another address from the first answer on: GitLab sends on nothing but GET.
  let base = told;
  let moved = false;
  return {
    async call(call) {
      const { reply, at } = await exchange(forge, call, call.address ?? `${base}${call.path}`, () => tokenOf(forge));
      if (call.address !== undefined) return reply;
      moved ||= at !== null;
      if (at?.endsWith(call.path) === true) base = at.slice(0, at.length - call.path.length);
      return reply;
    },
    hasMoved: () => moved,
  };
}

/** Makes a request, and follows where its forge sends it on. `at` is the address that it ended at, if that is another one. */
async function exchange(
  forge: ForgeOptions,
  call: Call,
  address: string,
  token: () => Promise<string>,
): Promise<{ readonly reply: Reply; readonly at: string | null }> {
  const { origin } = new URL(address);
  let url = address;
  for (let hops = 0; ; hops += 1) {
    const answer = await send(forge, call, url, await token());
    const { status } = answer;
    if (status < 300 || status >= 400) return { reply: replyOf(forge, call, answer), at: hops === 0 ? null : url };
    const location = answer.header('location') ?? '';
    const next = new URL(URL.canParse(location, url) ? location : 'about:blank', url);
    // A moved repository is sent on within its forge, with the same method. Elsewhere the token has no business.
    if (![301, 307, 308].includes(status) || next.origin !== origin || hops >= MOST_REDIRECTS)
      throw strange(
        forge,
        `sends elsewhere (HTTP ${status}), to ${next.origin === 'null' ? 'no address' : oneLine(next.origin)}: give the address of the forge itself with forge.url (--forge-url)`,
      );
    url = next.href;
  }
}

async function send(forge: ForgeOptions, { method, body }: Call, url: string, token: string): Promise<Answered> {
  const headers = {
    accept: 'application/json',
    ...forges[forge.kind].headers(token),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const { cancellationSignal: signal } = Context.current();
  const answer = await request(url, init, { timeoutMs: TIMEOUT_MS, signal, bodyBytes: BODY_BYTES });
  if (answer.kind === 'failed') throw unreachable(forge, `does not answer: ${oneLine(answer.reason)}`);
  if (answer.status === 401) forgetInstallation(token);
  return answer;
}

function replyOf(forge: ForgeOptions, { method, expects = [] }: Call, answer: Answered): Reply {
  const { status, cut, body } = answer;
  const json = parse(body);
  const said = saidIn(json);
  const isExpected = typeof expects === 'function' ? expects(status, said) : expects.includes(status);
  if (status >= 200 && status < 300) {
    if (cut)
      throw refused(forge, `gives an answer of more than ${BODY_BYTES / 1024 ** 2} MiB: check forge.url (--forge-url)`);
    // A proxy that loses its server ends some answers as if they were whole, before their first byte too.
    const isCut = json === undefined ? /^\s*[[{]/.test(body) : body.trim() === '' && method === 'GET';
    if (isCut) throw unreachable(forge, 'gives an answer that ends too early');
    if (json === undefined) throw pageInstead(forge);
  } else if (!isExpected || json === undefined) throw failureOf(forge, answer, { said, isPage: json === undefined });
  return { status, json: json ?? null, next: nextIn(answer.header('link') ?? ''), said };
}

/** https://www.rfc-editor.org/rfc/rfc8288; only the query is used, because a forge behind a proxy may think that it has another address. */
function nextIn(link: string): string | null {
  const [, target = ''] = /<([^>]*)>[^,<]*;\s*rel="?next"?/i.exec(link) ?? [];
  return URL.canParse(target) ? new URL(target).search : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text === '' ? 'null' : text);
  } catch {
    return undefined;
  }
}

async function tokenOf(forge: ForgeOptions): Promise<string> {
  const { appId, tokenFile } = forge;
  try {
    return appId === undefined ? await readTokenFile(tokenFile) : await installationToken(forge, appId);
  } catch (error) {
    if (!(error instanceof PrivateFileFault)) throw error;
    const what = appId === undefined ? 'token file' : 'key file';
    throw finalFailure('TokenFile', `The forge's ${what} ${JSON.stringify(tokenFile)} ${error.message}.`);
  }
}

/** Tokens of installations of Apps, in the memory of this process alone. They are good for an hour. */
const installations = new Map<string, { readonly token: string; readonly until: number }>();
const RENEW_BEFORE_MS = 5 * 60_000;

async function installationToken(forge: ForgeOptions, appId: string): Promise<string> {
  const { kind, url, repository, tokenFile } = forge;
  const id = JSON.stringify([url, repository, appId, tokenFile]);
  const known = installations.get(id);
  if (known !== undefined && known.until - RENEW_BEFORE_MS > Date.now()) return known.token;
  const forgeKind = forges[kind];
  const proof = await appToken(appId, tokenFile);
  const ask = async (method: Call['method'], path: string, body?: object) => {
    const call = { method, path, ...(body === undefined ? {} : { body }) };
    const { reply, at } = await exchange(forge, call, `${forgeKind.api(url)}${path}`, () => Promise.resolve(proof));
    return { json: objectOf(forge, reply.json), at };
  };
  const { json: installed, at } = await ask('GET', `${forgeKind.repositoryPath(repository)}/installation`);
  // A repository that has moved is known by its id alone.
  const [, movedId] = /\/repositories\/(\d+)\/installation$/.exec(at ?? '') ?? [];
  const limits = {
    ...(movedId === undefined
      ? { repositories: repository.split('/').slice(1) }
      : { repository_ids: [Number(movedId)] }),
    permissions: appPermissions((installed.permissions ?? {}) as Json),
  };
  const { json } = await ask('POST', `/app/installations/${Number(installed.id)}/access_tokens`, limits);
  const { token, expires_at: end } = json;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw notOfItsKind(forge, 'a token');
  const until = Date.parse(textOf(end));
  if (Number.isNaN(until)) throw notOfItsKind(forge, 'a token');
  rememberSecret(token, until);
  installations.set(id, { token, until });
  return token;
}

/** A token that the forge knows no longer is not used again. */
function forgetInstallation(token: string): void {
  for (const [id, known] of installations) if (known.token === token) installations.delete(id);
}
