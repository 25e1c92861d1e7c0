import { stripControl } from '../../model/text/text.js';
import type { Finished } from '../command/process.js';
import { isThrown, nixErrors, type NixError } from './nix-errors.js';

/**
 * Tells what the machine or the network did to a Nix command from what the flake did. Exit statuses do not help: they
 * are 1 for both, and through the daemon for everything, so the text decides. Only what Nix says of itself counts, in the
 * shape that its own messages have: hosts throw, trace, quote and print whatever words they like.
 * - `machine`: disk full, out of memory, no daemon, killed; a retry may cure it
 * - `network`: something could not be reached; a retry may cure it
 * - `nix`: this Nix cannot be used at all
 */
export interface Fault {
  readonly kind: 'machine' | 'network' | 'nix';
  /** One short phrase. */
  readonly what: string;
}

/** What both steps of a target say of the machine that had too little of it. */
export const OUT_OF_MEMORY = 'out of memory';
export const NO_SPACE = 'no space left';

const NOT_SERVED = 'the Nix daemon does not serve this account (on Debian: add it to the group nix-users)';

/** Nix's words for what it did when the system refused: `DOING 'WHAT': REASON`. */
const SYSTEM_CALL =
  '(?:filesystem error: )?(?:(?:unable|failed) to|cannot|could not|write of|read of|acquiring|adding|(?:bind )?mount(?:ing)?|' +
  'changing|chdir|chrooting|closing|copying|creating|deleting|dup+ing|duplicating|entering|executing|flushing|fsync|getting|' +
  'linking|locking|making|opening|polling|preallocating|reading|receiving|recursively deleting|remounting|removing|renaming|' +
  'restoring|seeking|sending|setting|splicing|statfs|syncing|truncating|unlocking|unsharing|waiting|writing)\\b';
const DATABASE = `(?:executing SQLite|[a-z]+ing (?:the )?(?:SQLite )?(?:database|transaction|timeout)|cannot open SQLite database)\\b`;
const DOWNLOAD = "(?:Failed to open archive \\((?:Source threw exception: )?(?:error: )?)?unable to download '[^']*':";

const refused = (reason: string): RegExp => new RegExp(`^${SYSTEM_CALL}.*: (?:${reason})(?: \\[.*\\])?$`);
const database = (reason: string): RegExp => new RegExp(`^${DATABASE}.*: (?:${reason})\\b`);
const download = (reason: string): RegExp => new RegExp(`^${DOWNLOAD}.*(?:${reason})`);

const MESSAGES: readonly (readonly [Fault['kind'], RegExp, string])[] = [
  ['nix', /^experimental Nix feature '(?:nix-command|flakes)' is disabled/, 'flakes are not enabled'],
  // 2.26 and newer, then 2.8: Debian's daemon serves a group alone.
  ['nix', /^cannot connect to socket at '[^']+': Permission denied/, NOT_SERVED],
  ['nix', /^getting status of [^ ]*daemon-socket[^ ]*: Permission denied/, NOT_SERVED],
  ['machine', refused('No space left on device|Disk quota exceeded'), NO_SPACE],
  ['machine', database('disk I/O error|database or disk is full'), NO_SPACE],
  ['machine', /^(?:error: )?failed to extract archive \(Write failed\)/, NO_SPACE],
  ['machine', /^cannot (?:connect to|open connection to) .*(?:socket|daemon)/, 'the Nix daemon cannot be reached'],
  ['machine', /^Nix daemon disconnected unexpectedly/, 'the Nix daemon cannot be reached'],
  ['machine', /^SQLite database '[^']+' is busy/, "Nix's database is busy"],
  ['machine', /^(?:Nix daemon )?out of memory$|^std::bad_alloc$/, OUT_OF_MEMORY],
  ['machine', refused('Cannot allocate memory'), OUT_OF_MEMORY],
  ['machine', /^unable to v?fork\b/, OUT_OF_MEMORY],
  [
    'machine',
    refused(
      'Too many open files(?: in system)?|Resource temporarily unavailable|Read-only file system|Input/output error',
    ),
    'the system refused',
  ],
  // Somebody collects garbage, and it went between being fetched and being read: 2.8, then 2.34.
  ['machine', /^path '\/nix\/store\/[^'/]+' is not valid/, 'the store lost a source meanwhile'],
  ['machine', /^path '«[^»]+»\/flake\.nix' does not exist/, 'the store lost a source meanwhile'],
  [
    'network',
    download("[Cc]ould(?:n't| not) resolve|Temporary failure in name resolution"),
    'a host name cannot be resolved',
  ],
  [
    'network',
    download(
      "[Cc]ould(?:n't| not) connect|Failed to connect to|Connection (?:refused|timed out|reset)|Network is unreachable",
    ),
    'a host cannot be reached',
  ],
  ['network', download('Timeout was reached|Operation timed out'), 'a host does not answer'],
  ['network', download('HTTP error (?:429|5\\d\\d)'), 'a server refuses for now'],
];

/** Nix's messages about a Git (or Mercurial) that failed, which has said why before. */
const PROGRAM_FAILED =
  /^program '(?:git|hg)' failed|^Failed to fetch git repository |^resolving Git reference |^Cannot find Git revision /i;

const OF_PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/Could(?:n't| not) resolve host|Temporary failure in name resolution/, 'a host name cannot be resolved'],
  [/Couldn't connect to server|Failed to connect to|Could not connect/, 'a host cannot be reached'],
  [/Connection (?:refused|timed out|reset|closed)|Network is unreachable|No route to host/, 'a host cannot be reached'],
  [/Timeout was reached|Operation timed out/, 'a host does not answer'],
  [/The requested URL returned error: (?:429|5\d\d)/, 'a server refuses for now'],
];
/** How the lines begin in which those programs, and the ssh below them, complain. */
const COMPLAINT = /^(?:fatal|abort|ssh|kex_exchange_identification|Connection (?:closed|reset|timed out))\b/;

/** Signals by which a process ends itself: the same evaluation would do it again. */
const OWN_SIGNALS = new Set(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL']);

export interface FailedCommand extends Pick<Finished, 'signal' | 'stderr'> {
  /** Whether the kernel killed it to get memory; default: that is not known. */
  readonly killedForMemory?: boolean;
}

/** Output that is looked at: the end of it, where an error stands. */
const END = 64 * 1024;

/**
 * What kept a failed command from answering; `null` when the answer is about the flake. The last error decides: what comes
 * before it Nix went past, or a flake or a builder has printed it.
 */
export function faultOf(finished: FailedCommand): Fault | null {
  if (finished.killedForMemory === true) return { kind: 'machine', what: `${OUT_OF_MEMORY}, the kernel killed it` };
  if (finished.signal !== null && !OWN_SIGNALS.has(finished.signal)) {
    return { kind: 'machine', what: `it was ended by ${finished.signal}` };
  }
  const output = finished.stderr.slice(-END);
  const last = nixErrors(output).at(-1);
  if (last !== undefined) return faultIn(last);
  // A process that could not even say it in its own words.
  const aborted = /^terminate called after throwing an instance of 'std::bad_alloc'/m.test(stripControl(output));
  return aborted ? { kind: 'machine', what: OUT_OF_MEMORY } : null;
}

/** The first fault that a log of Nix's own lines tells of: with `--keep-going` there are as many errors as failures. */
export function faultInLog(lines: readonly string[]): Fault | null {
  for (const error of nixErrors(lines.join('\n'))) {
    const fault = faultIn(error);
    if (fault !== null) return fault;
  }
  return null;
}

function faultIn(error: NixError): Fault | null {
  if (isThrown(error)) return null;
  const { below, doing, before } = error;
  // Nix quotes the statement, which may have several lines.
  const message = error.message.startsWith('executing SQLite') ? [error.message, ...below].join(' ') : error.message;
  const found = MESSAGES.find(([, pattern]) => pattern.test(message));
  if (found !== undefined) return { kind: found[0], what: found[2] };
  // A path of `sandbox-paths` that is missing, a namespace or a mount that the kernel refuses.
  if (doing.includes('while setting up the build environment'))
    return { kind: 'machine', what: 'Nix cannot set up its sandbox' };
  if (/^builder for '|^Cannot build '/.test(message) && below.includes(FULL_DISK_NOTE))
    return { kind: 'machine', what: NO_SPACE };
  if (!PROGRAM_FAILED.test(message)) return null;
  const complaints = before.filter((line) => COMPLAINT.test(line)).join('\n');
  const what = OF_PROGRAMS.find(([pattern]) => pattern.test(complaints))?.[1];
  return what === undefined ? null : { kind: 'network', what };
}

/** Nix looks at the disk when a builder has failed. */
const FULL_DISK_NOTE = 'note: build failure may have been caused by lack of free disk space';
