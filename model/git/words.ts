import { shellQuote, stripControl } from '../text/text.js';

/**
 * What Git, ssh and servers say when something did not work, and what it means. The words are those of Git in English
 * (`LC_ALL=C`), OpenSSH, curl and its TLS libraries, and of the big forges.
 */

/** Disk, memory and processes of the machine that Git runs on, and files that another Git holds for a moment. */
const MACHINE =
  /no space left on device|disk quota exceeded|cannot allocate memory|out of memory|resource temporarily unavailable|too many open files|cannot (?:fork|create (?:async )?thread)|unable to create threaded|stale (?:nfs )?file handle|\.lock': File exists|another git process seems to be running/i;

/** A server that answered, and said itself that it may pass. */
const PATIENCE =
  /returned error: (?:5\d\d|408|429)|rpc failed; http (?:5\d\d|408|429)|too many (?:concurrent )?(?:connections|requests)|rate limit|temporarily (?:unavailable|read-only)|try again (?:later|in)|service unavailable|internal server error|bad gateway|gateway time-?out|under maintenance/i;

const NETWORK = [
  /could not resolve (?:host|proxy)|name resolution|name or service not known|nodename nor servname|no address associated/i,
  /connection (?:refused|reset|timed out|closed|aborted)|operation timed out|timed out after|timeout,? server|(?:network|host) is (?:unreachable|down)|no route to host|broken pipe/i,
  /failed to connect|couldn't connect|unable to connect|ssh: connect to host|banner exchange|kex_exchange_identification|client_loop: send disconnect/i,
  /early eof|unexpected disconnect|unexpected eof|eof occurred|empty reply from server|(?:recv|send) failure|ssl_error_syscall|ssl_read|gnutls_handshake\(\) failed|gnutls recv error|non-properly terminated|was not closed cleanly|outstanding read data remaining|operation too slow/i,
  /rpc failed; curl (?:5|6|7|16|18|28|52|55|56|92)\b/i,
];

/** What a fault is, for those that do not pass. */
const LASTING = {
  'other-owner': /detected dubious ownership|unsafe repository/i,
  'object-format':
    /mismatched (?:object )?(?:algorithms|format)|unknown (?:repository )?object ?format|unsupported (?:object format|hash)/i,
  'damaged-object': /fsck error|object [0-9a-f]{40,64}: \w+: /i,
  transaction: /ref updates aborted by (?:the reference-transaction )?hook|aborted by the reference-transaction hook/i,
  'push-options': /does not support push options/i,
  'host-key':
    /host key verification failed|host key for .* has changed|remote host identification has changed|no .* host key is known/i,
  certificate: /ssl certificate|certificate (?:problem|verif|verify|has expired)|peer'?s certificate|self[- ]signed/i,
  'no-repository': /does not appear to be a git repository|not a git repository/i,
  access:
    /repository .*(?:not found|does not exist)|not found: repository|project you were looking for|could not be found|permission .*denied|permission denied|access denied|authentication failed|unauthorized|invalid (?:username|credentials)|could not read (?:username|password)|terminal prompts disabled|no such identity|too many authentication failures|returned error: 4(?!08|29)\d\d/i,
  transport:
    /transport '.*' not allowed|unable to find remote helper|protocol '.*' is not supported|not a valid remote name/i,
} as const;

type LastingFault = keyof typeof LASTING;
type GitFault = LastingFault | 'network' | 'machine' | 'unknown';

/** What Git's words mean; only `network` and `machine` pass by themselves. @param said without control characters */
export function gitFault(said: string): GitFault {
  // A remote's own disk is none of this machine's.
  if (MACHINE.test(said.replace(/^remote:.*$/gm, ''))) return 'machine';
  if (PATIENCE.test(said)) return 'network';
  // Before the network: the connection is cut after most refusals.
  const lasting = (Object.keys(LASTING) as LastingFault[]).find((fault) => LASTING[fault].test(said));
  if (lasting !== undefined) return lasting;
  if (NETWORK.some((words) => words.test(said))) return 'network';
  return tellingLines(said).length === 0 ? 'network' : 'unknown';
}

/** Whether a Git command that needs no network failed for a reason that may pass. */
export const mayPass = (said: string): boolean => MACHINE.test(said);

interface NamedRemote {
  /** The address as it may be shown. */
  readonly name: string;
  /** Whether it is a folder of this machine. */
  readonly local: boolean;
}

export interface RemoteFault {
  readonly fault: GitFault;
  /** Whether another try may do. */
  readonly passes: boolean;
  readonly type: 'NotAGitRepository' | 'Sha256Unsupported' | 'RemoteUnreachable';
  /** One or two sentences: what is wrong, and the way out. What Git said is not part of it. */
  readonly message: string;
}

/** What it means that reading from a remote failed with these words, and what a person can do. */
export function remoteFault(said: string, remote: NamedRemote): RemoteFault {
  const fault = gitFault(said);
  const kind = fault === 'no-repository' && remote.local ? 'no-folder' : fault;
  const message = MESSAGES[kind](remote.name, said);
  const type =
    kind === 'no-folder' ? 'NotAGitRepository' : kind === 'object-format' ? 'Sha256Unsupported' : 'RemoteUnreachable';
  return { fault, passes: fault === 'network' || fault === 'machine', type, message };
}

const CHECK_ACCESS =
  "Check the URL, and that the worker's user may read it (SSH agent, --ssh-key-file, --known-hosts-file, --https-token-file)";

const MESSAGES: Record<GitFault | 'no-folder', (name: string, said: string) => string> = {
  network: (name) => `The remote ${name} cannot be reached`,
  machine: (name) => `This machine cannot store what ${name} sends`,
  'other-owner': (name, said) =>
    `${name} belongs to another account, and Git refuses it. Run Lockkeeper as its owner, or allow it with: ` +
    `git config --global --add safe.directory ${folderOf(said) ?? shellQuote(name)}`,
  'object-format': (name) =>
    `${name} is a SHA-256 repository, which Nix cannot read. Move the flake to a SHA-1 repository (git init --object-format=sha1)`,
  'damaged-object': (name, said) => {
    const [, object, id] = /object ([0-9a-f]{40,64}): (\w+):/i.exec(said) ?? [];
    const which = object === undefined ? 'an object' : `object ${object}`;
    const setting = `fetch.fsck.${id ?? 'ID'}`;
    return (
      `Git refuses ${which} of ${name}, because fetch.fsckObjects or transfer.fsckObjects is set for the worker's user. ` +
      `Have the repository repaired, or let Git accept this fault: git config --global ${setting} ignore`
    );
  },
  transaction: (name) =>
    `A reference-transaction hook of ${name} refuses the change. Ask the administrator of that repository`,
  'push-options': (name) =>
    `${name} takes no push options, and push.pushOption is set for it. Unset it: git config --unset-all push.pushOption`,
  'host-key': (name) =>
    `The host key of ${name} is not known or has changed. Put the right one into ~/.ssh/known_hosts of the worker's user, ` +
    'or name a file that has it with --known-hosts-file',
  certificate: (name) =>
    `The certificate of ${name} is not trusted. Give Git the authority's certificate (http.sslCAInfo), or have the server's renewed`,
  'no-repository': (name) =>
    `The remote ${name} is not a Git repository, or the worker's user may not see it. ${CHECK_ACCESS}`,
  'no-folder': (name) => `${name} is not a Git repository. Name a folder that holds one, or the URL of one`,
  access: (name) => `The remote ${name} cannot be read. ${CHECK_ACCESS}`,
  transport: (name) => `Git cannot use the address ${name}. Check the URL, and protocol.*.allow in Git's configuration`,
  unknown: (name) => `Git cannot read the remote ${name}. "git ls-remote" with this address shows it in full`,
};

/** The folder that Git refuses, which may be another spelling of the address, as one word of a command. */
const folderOf = (said: string): string | undefined => /safe\.directory (\S.*)$/m.exec(said)?.[1];

/** What Git and ssh say on the way, and what says nothing by itself. */
const NOISE =
  /^(?:hint|warning):|^\*\* |^@+$|^(?:please make sure you have the correct access rights|and the repository exists\.)$|^remote:$/i;
const GENERAL = /^fatal: (?:could not read from remote repository|the remote end hung up)/i;
/** What Git makes of an answer by HTTP; the server's own words are before it. */
const HTTP_ANSWER = /^fatal: unable to access .* returned error: \d+|^fatal: authentication failed for/i;

const messageLines = (text: string): string[] =>
  stripControl(text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !NOISE.test(line));

const tellingLines = (text: string): string[] => messageLines(text).filter((line) => !GENERAL.test(line));

/**
 * The line of Git's messages that tells the cause, for people: without `fatal:`, control characters and full stop. ssh and
 * servers greet first, and Git ends with what says the least.
 */
export function gitCause(stderr: string): string {
  const lines = messageLines(stderr);
  const telling = tellingLines(stderr);
  const named = telling.find((line) => !['unknown', 'network', 'access'].includes(gitFault(line)));
  const words = telling.filter((line) => !HTTP_ANSWER.test(line));
  const cause = telling.find((line) => line.startsWith('Host key for ')) ?? named ?? words.at(-1) ?? lines.at(-1) ?? '';
  return cause
    .replace(/^(?:remote: )?(?:fatal|error|remote): /i, '')
    .replace(/\.$/, '')
    .slice(0, 500);
}
