import { stripControl } from '../../model/text/text.js';
import { UnusableKey, type RunProgram, type Signer } from './types.js';

/** Nobody is there to touch a token or to type a passphrase. */
const TIMEOUT_MS = 15_000;

/** Signs by ssh-keygen(1) in the namespace `git`, as `gpg.format = ssh` does. */
export function sshSigner(keyFile: string, run: RunProgram): Signer {
  const env = { ...process.env, LC_ALL: 'C', SSH_AUTH_SOCK: undefined, SSH_ASKPASS_REQUIRE: 'never' };
  return {
    async sign(payload) {
      const args = ['-Y', 'sign', '-n', 'git', '-f', keyFile];
      const finished = await run('ssh-keygen', args, { env, input: payload, timeoutMs: TIMEOUT_MS });
      if (finished.exitCode === 0) return finished.stdout;
      throw new UnusableKey(keyFile, whyNot(finished));
    },
  };
}

function whyNot({ notFound, exceeded, stderr }: Awaited<ReturnType<RunProgram>>): string {
  if (notFound) return 'cannot be used: there is no ssh-keygen here; install OpenSSH';
  if (exceeded === 'time') return `did not sign within ${TIMEOUT_MS / 1000} s: use a key that needs no touch`;
  if (/UNPROTECTED|bad permissions/i.test(stderr)) return 'may be read by others: run chmod 600 on it';
  if (/passphrase/i.test(stderr)) return 'has a passphrase, and nobody is there to type it: use a key without one';
  const last = stripControl(stderr).trim().split('\n').at(-1) ?? '';
  return `is not a private key that ssh-keygen can use (${last.slice(0, 200)}): give the file with the private half`;
}
