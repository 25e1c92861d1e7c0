import { setTimeout as sleep } from 'node:timers/promises';
import { notificationMark, ntfyMessage } from '../../model/notify/ntfy.js';
import { watchMark, watchMessage } from '../../model/notify/ntfy-watch.js';
import type { NotifyInput } from '../../model/notify/types.js';
import { oneLine } from '../../model/text/one-line.js';
import { withoutSecrets } from '../../host/secrets/redact.js';
import { PrivateFileFault } from '../../host/secrets/private-file.js';
import { readTokenFile } from '../../host/secrets/token-file.js';
import { NotifierFault } from './fault.js';
import { request, type Answer } from '../../host/http.js';
import type { Teller } from './types.js';

const TIMEOUT_MS = 10_000;
/** Pauses before the second and the third try. */
const PAUSES_MS = [1000, 3000] as const;
/** How far the clocks of server and run may be apart when the topic is searched for an earlier message, in seconds. */
const CLOCK_SLACK = 3600;

/** Push messages by an ntfy server: https://docs.ntfy.sh/publish/ */
export const ntfy: Teller = {
  async tell(input, signal) {
    const options = input.options.ntfy;
    if (options === null) return;
    const token = options.tokenFile === null ? null : await readToken(options.tokenFile);
    await publishOnce({ ...options, token }, input, signal);
  },
};

async function readToken(file: string): Promise<string> {
  try {
    return await readTokenFile(file);
  } catch (error) {
    throw error instanceof PrivateFileFault ? new NotifierFault(`token file ${file} ${error.message}`) : error;
  }
}

interface Topic {
  /** Without slashes at its end. */
  readonly server: string;
  readonly topic: string;
  readonly tokenFile: string | null;
  readonly token: string | null;
}

/** Publishes unless the topic has the message; tries again what a later try can cure, looking before each. */
async function publishOnce(to: Topic, input: NotifyInput, signal: AbortSignal): Promise<void> {
  let fault = '';
  for (const pause of [0, ...PAUSES_MS]) {
    await sleep(pause, undefined, { signal });
    if (await isPublished(to, input, signal)) return;
    const result = await publish(to, input, signal);
    if (result.kind === 'published') return;
    fault = result.fault;
    if (result.kind === 'refused') break;
  }
  throw new NotifierFault(withoutSecrets(fault));
}

/** Whether the topic holds the event's mark. A topic that cannot be read says no: told twice is better than never. */
async function isPublished(to: Topic, input: NotifyInput, signal: AbortSignal): Promise<boolean> {
  const mark = 'alarm' in input ? watchMark(input) : notificationMark(input.event, input.report, input.at);
  // A look an hour later tells again what the one before it had told, if that died before it was noted.
  const began =
    'alarm' in input ? new Date(Date.parse(input.at) - CLOCK_SLACK * 1000).toISOString() : input.report.startedAt;
  const started = Math.floor(Date.parse(began) / 1000) - CLOCK_SLACK;
  const url = `${to.server}/${to.topic}/json?poll=1&since=${Number.isFinite(started) ? started : 'all'}`;
  const answer = await request(url, { method: 'GET', headers: authorization(to) }, { timeoutMs: TIMEOUT_MS, signal });
  if (answer.kind !== 'answered' || answer.status !== 200) return false;
  return answer.body.split('\n').some((line) => messageOf(line)?.split('\n').includes(mark) === true);
}

/** Text of one line of a topic's JSON stream; `null` when it isn't a message. */
function messageOf(line: string): string | null {
  const value = parse(line);
  return value?.event === 'message' && typeof value.message === 'string' ? value.message : null;
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

type Published =
  | { readonly kind: 'published' }
  | { readonly kind: 'refused'; readonly fault: string }
  | { readonly kind: 'try-again'; readonly fault: string };

async function publish(to: Topic, input: NotifyInput, signal: AbortSignal): Promise<Published> {
  const message =
    'alarm' in input
      ? watchMessage(input, to.topic)
      : ntfyMessage(input.event, input.report, { topic: to.topic, at: input.at });
  const body = JSON.stringify(message);
  const headers = { ...authorization(to), 'content-type': 'application/json' };
  const answer = await request(`${to.server}/`, { method: 'POST', headers, body }, { timeoutMs: TIMEOUT_MS, signal });
  if (answer.kind === 'failed') return { kind: 'try-again', fault: `ntfy server ${to.server}: ${answer.reason}` };
  if (answer.status === 200 && messageOf(answer.body) !== null) return { kind: 'published' };
  const fault = `ntfy server ${to.server} ${refusal(to, answer)}`;
  return { kind: answer.status >= 500 || answer.status === 429 ? 'try-again' : 'refused', fault };
}

/** What an answer other than "published" means, and the way out. */
function refusal(to: Topic, { status, body, header }: Extract<Answer, { kind: 'answered' }>): string {
  if (status === 401 || status === 403) {
    return to.tokenFile === null
      ? `does not let everybody publish to topic ${to.topic} (HTTP ${status}): name a token file`
      : `refuses the token in ${to.tokenFile} for topic ${to.topic} (HTTP ${status}): write a token into it that may publish there`;
  }
  if (status >= 300 && status < 400) {
    return `sends elsewhere (HTTP ${status}): give the address that it names, ${oneLine(withoutSecrets(header('location') ?? 'none'))}`;
  }
  if (status === 200) return 'does not answer as an ntfy server does: check its address';
  const reason = parse(body)?.error;
  return `refused the message (HTTP ${status}${typeof reason === 'string' ? `, ${oneLine(withoutSecrets(reason))}` : ''})`;
}

const authorization = (to: Topic): Record<string, string> =>
  to.token === null ? {} : { authorization: `Bearer ${to.token}` };
