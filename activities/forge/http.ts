import { Context } from '@temporalio/activity';
import { request } from '../../host/http.js';
import { forges } from '../../model/forge/index.js';
import { finalFailure } from '../../model/run/failures.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { oneLine } from '../../model/text/one-line.js';
import { PrivateFileFault } from '../../host/secrets/private-file.js';
import { readTokenFile } from '../../host/secrets/token-file.js';
import { failureOf, refused, saidIn, unreachable, type Answered } from './answers.js';

const TIMEOUT_MS = 30_000;
/** Room for a page of requests with long texts. */
const BODY_BYTES = 32 * 1024 * 1024;
/** Redirects that are followed one after the other. */
const MOST_REDIRECTS = 3;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT';
  /** Below the address of the API's description of the repository. */
  readonly path: string;
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
  const { origin } = new URL(told);
  // A repository that has moved is at another address from the first answer on: GitLab sends on nothing but GET.
  let base = told;
  let moved = false;
  const send = async ({ method, body }: Call, url: string): Promise<Answered> => {
    const headers = {
      accept: 'application/json',
      ...kind.headers(await tokenOf(forge)),
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
      let url = `${base}${call.path}`;
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
        moved = true;
        if (url.endsWith(call.path)) base = url.slice(0, url.length - call.path.length);
      }
    },
    hasMoved: () => moved,
  };
}

function replyOf(forge: ForgeOptions, { expects = [] }: Call, answer: Answered): Reply {
  const { status, cut, body } = answer;
  const json = parse(body);
  const said = saidIn(json);
  const isExpected = typeof expects === 'function' ? expects(status, said) : expects.includes(status);
  if (status >= 200 && status < 300) {
    if (cut)
      throw refused(forge, `gives an answer of more than ${BODY_BYTES / 1024 ** 2} MiB: check forge.url (--forge-url)`);
    // A proxy that loses its server ends some answers as if they were whole.
    if (json === undefined && /^\s*[[{]/.test(body)) throw unreachable(forge, 'gives an answer that ends too early');
    if (json === undefined)
      throw refused(forge, 'answers with something that is no JSON, such as a web page: check forge.url (--forge-url)');
  } else if (!isExpected) throw failureOf(forge, answer, said);
  return { status, json: json ?? null, next: nextIn(answer.header('link') ?? '') };
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

async function tokenOf({ tokenFile }: ForgeOptions): Promise<string> {
  try {
    return await readTokenFile(tokenFile);
  } catch (error) {
    if (!(error instanceof PrivateFileFault)) throw error;
    throw finalFailure('TokenFile', `The forge's token file ${JSON.stringify(tokenFile)} ${error.message}.`);
  }
}
