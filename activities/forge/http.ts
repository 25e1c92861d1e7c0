import { Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import { request, type Answer } from '../../host/http.js';
import { forges } from '../../model/forge/index.js';
import { finalFailure, passingFailure } from '../../model/run/failures.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { oneLine } from '../../model/text/one-line.js';
import { withoutSecrets } from '../../host/secrets/redact.js';
import { PrivateFileFault } from '../../host/secrets/private-file.js';
import { readTokenFile } from '../../host/secrets/token-file.js';

const TIMEOUT_MS = 30_000;
/** Room for a page of requests with long texts. */
const BODY_BYTES = 32 * 1024 * 1024;
/** Redirects that are followed one after the other. */
const MOST_REDIRECTS = 3;
/** Longest pause that a forge may ask for: after it we look again. */
const MOST_PAUSE_SECONDS = 3600;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** Below the address of the API. */
  readonly path: string;
  readonly body?: object;
  /** Status codes beside 2xx that are an answer. */
  readonly expects?: readonly number[];
}

export interface Reply {
  readonly status: number;
  /** What JSON the body holds. */
  readonly json: unknown;
}

export interface Http {
  call(call: Call): Promise<Reply>;
  /** Path of the address that the last call ended at, if that was another one than it began with. */
  redirected(): string | null;
}

/**
 * The API of a forge. The token is read for each call, goes to that host alone, and is in no message. What may pass is
 * `ForgeUnreachable`, with the pause that the forge asks for; everything else is final and says what to do.
 * @param api address of the API, without a slash at its end
 */
export function openHttp(forge: ForgeOptions, api: string): Http {
  const origin = new URL(api).origin;
  let last: string | null = null;
  const send = async ({ method, body }: Call, url: string): Promise<Answered> => {
    const headers = {
      accept: 'application/json',
      ...forges[forge.kind].authorization(await tokenOf(forge)),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const { cancellationSignal: signal } = Context.current();
    const answer = await request(url, init, { timeoutMs: TIMEOUT_MS, signal, bodyBytes: BODY_BYTES });
    if (answer.kind === 'failed') throw unreachable(forge, `does not answer: ${oneLine(answer.reason)}`);
    return answer;
  };
  return {
    async call(call) {
      let url = `${api}${call.path}`;
      for (let hops = 0; ; hops += 1) {
        const answer = await send(call, url);
        const { status } = answer;
        if (status < 300 || status >= 400) return replyOf(forge, call, answer);
        const location = answer.header('location') ?? '';
        const next = new URL(URL.canParse(location, url) ? location : 'about:blank', url);
        // A moved repository is sent on within its forge, with the same method. Elsewhere the token has no business.
        if (![301, 307, 308].includes(status) || next.origin !== origin || hops >= MOST_REDIRECTS)
          throw refused(
            forge,
            `sends elsewhere (HTTP ${status}), to ${next.origin === 'null' ? 'no address' : oneLine(next.origin)}: give the address of the forge itself with forge.url (--forge-url)`,
          );
        url = next.href;
        last = next.pathname;
      }
    },
    redirected: () => last,
  };
}

type Answered = Extract<Answer, { readonly kind: 'answered' }>;

function replyOf(forge: ForgeOptions, { expects = [] }: Call, answer: Answered): Reply {
  const { status, cut } = answer;
  const parsed = parse(answer.body);
  if (status >= 200 && status < 300) {
    if (cut)
      throw refused(forge, `gives an answer of more than ${BODY_BYTES / 1024 ** 2} MiB: check forge.url (--forge-url)`);
    if (parsed === undefined)
      throw refused(forge, 'answers with something that is no JSON, such as a web page: check forge.url (--forge-url)');
    return { status, json: parsed };
  }
  if (expects.includes(status)) return { status, json: parsed ?? null };
  throw failureOf(forge, answer, saidIn(parsed));
}

/** The failure for an answer that is none. @param said the forge's own words, or nothing */
function failureOf(forge: ForgeOptions, { status, header }: Answered, said: string): ApplicationFailure {
  const { repository, tokenFile } = forge;
  const words = `HTTP ${status}${said === '' ? '' : `: ${said}`}`;
  const pause = pauseSeconds(header);
  if (status === 429 || (status === 403 && pause !== null))
    return unreachable(forge, `wants a pause (${words})`, pause ?? undefined);
  if (status >= 500 || status === 408) return unreachable(forge, `has trouble (${words})`, pause ?? undefined);
  switch (status) {
    case 401:
      return refused(forge, `does not accept the token in ${tokenFile} (${words}): write a valid one into it`);
    case 403:
      return refused(
        forge,
        `does not let the token in ${tokenFile} do this (${words}): give it the rights that docs/pull-requests.md names, for ${repository}`,
      );
    case 404:
      return refused(
        forge,
        `has no ${repository} that the token in ${tokenFile} may see, or takes no pull requests there (${words}): check forge.url (--forge-url) and the rights of the token`,
      );
    case 423:
      return refused(forge, `has archived ${repository} (${words}): nothing can be proposed there`);
    default:
      return refused(forge, `refused what was asked for ${repository} (${words})`);
  }
}

/** Seconds that a forge wants to be left alone; `null` when it says nothing of it. */
function pauseSeconds(header: Answered['header']): number | null {
  const after = Number(header('retry-after') ?? Number.NaN);
  const left = header('x-ratelimit-remaining') ?? header('ratelimit-remaining');
  const reset = Number(header('x-ratelimit-reset') ?? header('ratelimit-reset') ?? Number.NaN);
  const asked = Number.isFinite(after) ? after : left === '0' ? reset - Date.now() / 1000 : Number.NaN;
  return Number.isFinite(asked) ? Math.min(Math.max(1, Math.ceil(asked)), MOST_PAUSE_SECONDS) : null;
}

function saidIn(json: unknown): string {
  const { message } = typeof json === 'object' && json !== null ? (json as { readonly message?: unknown }) : {};
  return typeof message === 'string' ? oneLine(withoutSecrets(message)) : '';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text === '' ? 'null' : text);
  } catch {
    return undefined;
  }
}

const name = ({ kind, url }: ForgeOptions): string => `${forges[kind].label} at ${url}`;

const refused = (forge: ForgeOptions, what: string): ApplicationFailure =>
  finalFailure('ForgeRefused', `${name(forge)} ${what}.`);

const unreachable = (forge: ForgeOptions, what: string, pause?: number): ApplicationFailure =>
  passingFailure(
    'ForgeUnreachable',
    `${name(forge)} ${what}`,
    pause === undefined ? {} : { nextRetryDelay: pause * 1000 },
  );

/** The failure for an answer of a forge that is not as its kind gives it. */
export const notOfItsKind = (forge: ForgeOptions, what: string): ApplicationFailure =>
  refused(forge, `gives ${what} that is not as ${forges[forge.kind].label} has it: check forge.kind and forge.url`);

async function tokenOf({ tokenFile }: ForgeOptions): Promise<string> {
  try {
    return await readTokenFile(tokenFile);
  } catch (error) {
    if (!(error instanceof PrivateFileFault)) throw error;
    throw finalFailure('TokenFile', `The forge's token file ${JSON.stringify(tokenFile)} ${error.message}.`);
  }
}
