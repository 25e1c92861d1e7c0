import { checkBranchName } from '../../model/checks/names.js';
import { remoteFault } from '../../model/git/words.js';
import type { Transport } from '../../model/run/options.js';
import { redactUrl } from '../../model/text/text.js';
import { CommandError } from '../errors.js';
import { git, transportAccess, whyNot } from './git.js';

const REMOTE_MS = 10_000;

/** Faults whose way out is another than to look after the address and the access. */
const OWN_WAY_OUT: ReadonlySet<string> = new Set(['machine', 'other-owner', 'host-key', 'certificate', 'transport']);

/** Finds the branch that a run starts from on a remote: the one asked for, or the remote's HEAD. */
export async function remoteMainBranch(input: {
  readonly url: string;
  readonly transport: Transport;
  /** Checkout whose Git configuration holds (insteadOf, proxies), and whose remote this is. */
  readonly checkout: string | null;
  readonly wanted: string | null;
}): Promise<string> {
  const { url, transport, checkout, wanted } = input;
  const shown = redactUrl(url);
  const answer = await git(['ls-remote', '--symref', '--', url, 'HEAD', 'refs/heads/*'], {
    ...(checkout === null ? {} : { cwd: checkout }),
    timeoutMs: REMOTE_MS,
    access: await transportAccess(transport),
  });
  if (!answer.ok) {
    const why = whyNot(answer, REMOTE_MS);
    const { fault, message } = remoteFault(answer.exceeded === null ? answer.said : '', { name: shown, local: false });
    throw new CommandError(
      OWN_WAY_OUT.has(fault)
        ? `${message}. Git said: ${why}`
        : `The remote ${shown} cannot be reached: ${why}. Check the address and your access ` +
            '("git ls-remote" tells more; --ssh-key-file, --known-hosts-file and --https-token-file name credentials).',
    );
  }
  const branches = [...answer.stdout.matchAll(/\trefs\/heads\/(.+)$/gm)].map((match) => match[1] ?? '');
  const head = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer.stdout)?.[1] ?? null;
  if (wanted !== null) return existing(wanted, branches, shown);
  if (head !== null && branches.includes(head)) return checkBranchName(head, 'the main branch');
  const usual = ['main', 'master'].find((name) => branches.includes(name));
  if (usual !== undefined) return usual;
  if (branches.length === 0) throw new CommandError(`The remote ${shown} has no branches yet: push the flake first.`);
  throw new CommandError(
    `The remote ${shown} does not say which branch is its main one. Name it with --main: ${list(branches)}.`,
  );
}

/** Finds the branch that a run starts from in a repository without a remote: the one asked for, else main or master. */
export async function localMainBranch(checkout: string, wanted: string | null): Promise<string> {
  // In full: a short name says more where a tag has the same one.
  const refs = await git(['for-each-ref', '--format=%(refname)', 'refs/heads/'], { cwd: checkout });
  const branches = refs.stdout
    .split('\n')
    .filter((name) => name !== '')
    .map(branchName);
  if (wanted !== null) return existing(wanted, branches, checkout);
  const current = branchName((await git(['symbolic-ref', '--quiet', 'HEAD'], { cwd: checkout })).stdout.trim());
  const found = ['main', 'master'].find((name) => branches.includes(name)) ?? current;
  if (branches.includes(found)) return checkBranchName(found, 'the main branch');
  if (branches.length === 0) throw new CommandError(`${checkout} has no commits yet: commit the flake first.`);
  throw new CommandError(
    `${checkout} has no branch main or master. Name its main branch with --main: ${list(branches)}.`,
  );
}

const branchName = (ref: string): string => ref.replace(/^refs\/heads\//, '');

function existing(wanted: string, branches: readonly string[], where: string): string {
  if (branches.includes(wanted)) return wanted;
  throw new CommandError(`There is no branch "${wanted}" in ${where}. It has ${list(branches)}.`);
}

const list = (names: readonly string[]): string =>
  names.length === 0
    ? 'no branches'
    : names.slice(0, 12).join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '');
