import { stripControl } from '../../model/text.js';
import type { Finished } from '../process.js';

/**
 * Tells what the machine or the network did to a Nix command from what the flake did. Exit statuses do not help: they
 * are 1 for both, and through the daemon for everything, so the text decides.
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

const NOT_SERVED = 'the Nix daemon does not serve this account (on Debian: add it to the group nix-users)';

const FAULTS: readonly (readonly [Fault['kind'], RegExp, string])[] = [
  ['nix', /^\s*error: experimental Nix feature '(?:nix-command|flakes)' is disabled/m, 'flakes are not enabled'],
  // 2.26 and newer, then 2.8: Debian's daemon serves a group alone.
  ['nix', /cannot connect to socket at '[^']+': Permission denied/, NOT_SERVED],
  ['nix', /getting status of [^ ]*daemon-socket[^ ]*: Permission denied/, NOT_SERVED],
  ['machine', /No space left on device|disk I\/O error|database or disk is full|Disk quota exceeded/, 'no space left'],
  ['machine', /lack of free disk space|failed to extract archive \(Write failed\)/, 'no space left'],
  ['machine', /cannot (?:connect to|open connection to) .*(?:socket|daemon)/, 'the Nix daemon cannot be reached'],
  ['machine', /cannot connect to socket|Nix daemon disconnected unexpectedly/, 'the Nix daemon cannot be reached'],
  ['machine', /^\s*error: SQLite database '[^']+' is busy/m, "Nix's database is busy"],
  ['machine', /out of memory|std::bad_alloc|Cannot allocate memory|unable to fork/, OUT_OF_MEMORY],
  ['machine', /Too many open files|Resource temporarily unavailable|Read-only file system/, 'the system refused'],
  // A path of `sandbox-paths` that is missing, a namespace or a mount that the kernel refuses.
  ['machine', /^\s*… while setting up the build environment/m, 'Nix cannot set up its sandbox'],
  // Somebody collects garbage, and it went between being fetched and being read: 2.8, then 2.34.
  ['machine', /^\s*error: path '\/nix\/store\/[^'/]+' is not valid/m, 'the store lost a source meanwhile'],
  ['machine', /^\s*error: path '«[^»]+»\/flake\.nix' does not exist/m, 'the store lost a source meanwhile'],
  ['network', /Could(?:n't| not) resolve host|Temporary failure in name resolution/, 'a host name cannot be resolved'],
  ['network', /Couldn't connect to server|Failed to connect to|Could not connect/, 'a host cannot be reached'],
  ['network', /Connection (?:refused|timed out|reset)|Network is unreachable/, 'a host cannot be reached'],
  ['network', /Timeout was reached|Operation timed out/, 'a host does not answer'],
  ['network', /HTTP error (?:429|5\d\d)/, 'a server refuses for now'],
];

/**
 * What Nix went past: a cache that cannot be reached, a setting whose experimental feature is off, and what a flake traces.
 * A flake that fails later, of its own, fails none the less for it.
 */
const ASIDES = /^(?:warning|trace|evaluation warning):.*$/gm;

/** Signals by which a process ends itself: the same evaluation would do it again. */
const OWN_SIGNALS = new Set(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL']);

/** What is known of a command that failed. */
export interface FailedCommand extends Pick<Finished, 'signal' | 'stderr'> {
  /** Whether the kernel killed it to get memory; default: that is not known. */
  readonly killedForMemory?: boolean;
}

/** What kept a failed command from answering; `null` when the answer is about the flake. */
export function faultOf(finished: FailedCommand): Fault | null {
  if (finished.killedForMemory === true) return { kind: 'machine', what: `${OUT_OF_MEMORY}, the kernel killed it` };
  if (finished.signal !== null && !OWN_SIGNALS.has(finished.signal)) {
    return { kind: 'machine', what: `it was ended by ${finished.signal}` };
  }
  const errors = stripControl(finished.stderr.slice(-64 * 1024)).replace(ASIDES, '');
  const found = FAULTS.find(([, pattern]) => pattern.test(errors));
  return found === undefined ? null : { kind: found[0], what: found[2] };
}
