import { Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import type { Answer } from '../../host/http.js';
import { forges } from '../../model/forge/index.js';
import { finalFailure, passingFailure } from '../../model/run/failures.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { oneLine } from '../../model/text/one-line.js';
import { withoutSecrets } from '../../host/secrets/redact.js';

export type Answered = Extract<Answer, { readonly kind: 'answered' }>;

/** Longest pause that a forge may ask for: after it we look again. */
const MOST_PAUSE_SECONDS = 3600;
/** For a limit without a pause: GitHub's documentation asks for at least a minute. */
const LIMIT_PAUSE_SECONDS = 60;
/** Tries after which an answer that passes at times counts as final. */
const DOUBTFUL_TRIES = 3;
const DOUBTFUL_PAUSE_SECONDS = 5;
/** Tries after which a forge that wants no pause to speak of, by a clock or a header that is wrong, is left alone for longer. */
const HASTY_TRIES = 10;
/** How long what no forge says counts as said by a proxy while its forge is being restarted, where a run waits for days. */
const STRANGE_MS = 3_600_000;
/** As many tries has what waits for days: a run that has built. */
const PATIENT_TRIES = 100;
/** Difference of two clocks that no network makes. */
const SKEW_SECONDS = 60;

/**
 * The failure for an answer that is none.
 * @param said the forge's own words, or nothing
 * @param isPage whether it is no JSON, as those of a proxy are
 */
export function failureOf(
  forge: ForgeOptions,
  { status, header }: Answered,
  { said, isPage }: { readonly said: string; readonly isPage: boolean },
): ApplicationFailure {
  const { repository } = forge;
  const key = credential(forge);
  const words = `HTTP ${status}${said === '' ? '' : `: ${said}`}`;
  const pause = pauseSeconds(header);
  // GitHub has one number for both, and another one for too many texts at once.
  const isLimit =
    status === 429 ||
    (status === 403 && (pause !== null || /rate limit|abuse detection/i.test(said))) ||
    (status === 422 && /submitted too quickly/i.test(said));
  if (isLimit) return unreachable(forge, `asks for a pause (${words})`, pause ?? LIMIT_PAUSE_SECONDS);
  if (status >= 500 || status === 408) return unreachable(forge, `has an error (${words})`, pause ?? undefined);
  if (status === 413)
    return refused(
      forge,
      `takes no text of that length (${words}): let the proxy before it take more (nginx: client_max_body_size)`,
    );
  // What a proxy says whose forge is away may have any number.
  if (isPage) return strange(forge, `${NO_JSON} (${words}): check forge.url (--forge-url)`);
  const isFirst = triesBefore() < DOUBTFUL_TRIES - 1;
  // Two have changed the same thing at once: the next look finds what the other one did.
  if (status === 409 && isFirst)
    return unreachable(forge, `got two requests at once (${words})`, DOUBTFUL_PAUSE_SECONDS);
  switch (status) {
    case 401:
      // GitHub takes a good token for none at times, and then names the limit of those who have none. That of an App is made anew.
      if (isFirst && (forge.appId !== undefined || header('x-ratelimit-limit') === '60'))
        return unreachable(forge, `does not know ${key} (${words})`, DOUBTFUL_PAUSE_SECONDS);
      return refused(
        forge,
        `does not accept ${key} (${words}): ${forge.appId === undefined ? 'write a valid one into it' : 'check forge.appId, and that the key is one of this App'}${skewWords(header)}`,
      );
    case 403:
      if (/archived/i.test(said)) return archived(forge, words);
      return refused(forge, `does not let ${key} do this (${words}): ${wayToRights(forge, header, said)}`);
    case 404:
      // What was pushed or opened a moment ago is not there for all of a forge yet.
      if (isFirst && isPatient())
        return unreachable(forge, `does not see what was asked for (${words})`, DOUBTFUL_PAUSE_SECONDS);
      return refused(
        forge,
        `has no ${repository} that ${key} may see, or takes no pull requests there (${words}): check forge.url (--forge-url) and ${forge.appId === undefined ? 'the rights of the token' : 'that the App is installed for the repository'}`,
      );
    case 410:
      return refused(forge, `says that this is gone (${words}): turn on issues in the settings of ${repository}`);
    case 422:
      // A branch that was pushed a moment ago is not there for all of GitHub yet.
      if (isFirst && /\b(?:head|base) invalid|no commit found/i.test(said))
        return unreachable(forge, `does not see the branch yet (${words})`, DOUBTFUL_PAUSE_SECONDS);
      return refused(forge, `refused the request for ${repository} (${words})${wayOutOf(said)}`);
    case 423:
      return archived(forge, words);
    default:
      return refused(forge, `refused the request for ${repository} (${words})`);
  }
}

const credential = ({ appId, tokenFile }: ForgeOptions): string =>
  appId === undefined ? `the token in ${tokenFile}` : `App ${appId} with the key in ${tokenFile}`;

const archived = (forge: ForgeOptions, words: string): ApplicationFailure =>
  refused(forge, `has archived ${forge.repository} (${words}): nothing can be proposed there`);

function wayToRights({ repository }: ForgeOptions, header: Answered['header'], said: string): string {
  if (/Actions is not permitted to create/i.test(said))
    return 'allow it in the settings of the repository and its organization (Actions, General), or use the token of a GitHub App';
  if (header('x-github-sso') !== null)
    return 'authorize the token for the single sign-on of the organization, in the settings of its account';
  const wanted = header('x-accepted-github-permissions');
  return `give it the rights that docs/pull-requests.md names, for ${repository}${wanted === null ? '' : ` (${oneLine(wanted, 100)})`}`;
}

function wayOutOf(said: string): string {
  if (/no commits between/i.test(said))
    return ': somebody has taken the commits of the branch over; the next run begins anew';
  if (/\b(?:head|base) invalid/.test(said)) return ': a branch is gone; the next run begins anew';
  if (/too long/i.test(said)) return ': it takes shorter texts than others of its kind';
  return '';
}

const triesBefore = (): number => Context.current().info.attempt - 1;

/** Whether what asks waits for days if it has to. */
const isPatient = (): boolean => (Context.current().info.retryPolicy?.maximumAttempts ?? 1) >= PATIENT_TRIES;

/** Seconds that a forge wants to be left alone, by its own clock; `null` when it says nothing of it. */
function pauseSeconds(header: Answered['header']): number | null {
  const left = header('x-ratelimit-remaining') ?? header('ratelimit-remaining');
  const reset = Number(header('x-ratelimit-reset') ?? header('ratelimit-reset') ?? Number.NaN);
  const now = (clockOf(header) ?? Date.now()) / 1000;
  const after = secondsAfter(header('retry-after') ?? '', now);
  const asked = Number.isFinite(after) ? after : left === '0' ? reset - now : Number.NaN;
  if (!Number.isFinite(asked)) return null;
  const least = triesBefore() < HASTY_TRIES ? 1 : LIMIT_PAUSE_SECONDS;
  return Math.min(Math.max(least, Math.ceil(asked)), MOST_PAUSE_SECONDS);
}

/** A number of seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
const secondsAfter = (value: string, now: number): number =>
  /^\s*\d+\s*$/.test(value) ? Number(value) : Date.parse(value) / 1000 - now;

/** What the forge's clock shows, in milliseconds since 1970. */
function clockOf(header: Answered['header']): number | null {
  const theirs = Date.parse(header('date') ?? '');
  return Number.isNaN(theirs) ? null : theirs;
}

function skewWords(header: Answered['header']): string {
  const theirs = clockOf(header);
  const skew = theirs === null ? 0 : Math.round((Date.now() - theirs) / 1000);
  if (Math.abs(skew) < SKEW_SECONDS) return '';
  const far = `${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} that of the forge`;
  return `, and set the clock of this machine, which is ${far}`;
}

/** Outside text of an answer, in one line: `message` or `error`, in whatever shape, and GitHub's `errors`. */
export function saidIn(json: unknown): string {
  if (typeof json !== 'object' || json === null) return '';
  const { message, error, error_description: description, errors } = json as Readonly<Record<string, unknown>>;
  const parts = [message ?? error, description, errors].flatMap((each) => textsIn(each, 4));
  return oneLine(withoutSecrets([...new Set(parts)].join(', ')));
}

function textsIn(value: unknown, depth: number): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth === 0) return [];
  if (Array.isArray(value)) return value.slice(0, 10).flatMap((each) => textsIn(each, depth - 1));
  const { message, field, code, ...others } = value as Readonly<Record<string, unknown>>;
  if (typeof message === 'string') return [message];
  if (typeof code === 'string') return [`${typeof field === 'string' ? `${field} ` : ''}${code}`];
  return Object.entries(others)
    .slice(0, 10)
    .flatMap(([name, each]) => textsIn(each, depth - 1).map((text) => (name === 'base' ? text : `${name} ${text}`)));
}

const name = ({ kind, url }: ForgeOptions): string => `${forges[kind].label} at ${url}`;

export const refused = (forge: ForgeOptions, what: string): ApplicationFailure =>
  finalFailure('ForgeRefused', `${name(forge)} ${what}.`);

const NO_JSON = 'did not answer with JSON, but perhaps with a web page';

export const pageInstead = (forge: ForgeOptions): ApplicationFailure =>
  strange(forge, `${NO_JSON}: check forge.url (--forge-url)`);

/**
 * The failure for what no forge says: something else has answered. It is final, but for a run that has built: a proxy may say it
 * while its forge is being restarted.
 */
export function strange(forge: ForgeOptions, what: string): ApplicationFailure {
  const waited = Date.now() - Context.current().info.scheduledTimestampMs;
  return isPatient() && waited < STRANGE_MS ? unreachable(forge, what) : refused(forge, what);
}

export const unreachable = (forge: ForgeOptions, what: string, pause?: number): ApplicationFailure =>
  passingFailure(
    'ForgeUnreachable',
    `${name(forge)} ${what}`,
    pause === undefined ? {} : { nextRetryDelay: pause * 1000 },
  );

/** The failure for an answer of a forge that is not as its kind gives it. */
export const notOfItsKind = (forge: ForgeOptions, what: string): ApplicationFailure =>
  refused(forge, `gives ${what} that is not as ${forges[forge.kind].label} has it: check forge.kind and forge.url`);
