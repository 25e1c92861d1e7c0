import { Unavailable, isRoot, lastLines, onPath, run, versionOf, warn } from './steps.mjs';

export const git = () =>
  systemProgram({ program: 'git', package: 'git', otherwise: 'install Git 2.30 or newer with your package manager' });

export const nix = () =>
  systemProgram({
    program: 'nix',
    package: 'nix-bin',
    otherwise:
      'install Nix 2.8 or newer (Debian: apt-get install nix-bin as root; elsewhere: the installer of nixos.org)',
  });

/** Finds a program on the PATH, or gets its Debian package. */
async function systemProgram({ program, package: name, otherwise }) {
  const found = await onPath(program);
  if (found !== null) {
    const version = await versionOf(found);
    if (version === null) throw new Unavailable(`${found} does not run; repair it, or ${otherwise}`);
    return `${version} (${found})`;
  }
  const reason = await aptInstall([name]);
  const installed = await onPath(program);
  if (reason !== null || installed === null) {
    throw new Unavailable(`no ${program} on the PATH, and ${reason ?? 'its package brought none'}; ${otherwise}`);
  }
  return `${await versionOf(installed)} (${installed}), installed`;
}

/** A fresh machine installs updates by itself at the same time. */
const LOCK_SECONDS = 120;

/** Installs Debian packages as root. Gives `null`, or the reason why it could not. */
export async function aptInstall(names) {
  if ((await onPath('apt-get')) === null) return 'this machine has no apt-get';
  if (!isRoot()) return 'only root may install packages';
  warn(`installing ${names.join(', ')} (apt-get, which waits up to ${LOCK_SECONDS} s for another one to end) …`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  // An update that fails for one archive of several is no reason to stop: the install decides.
  await run('apt-get', ['-q', 'update'], { env });
  const options = ['-q', '-y', '-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`];
  const { status, output } = await run('apt-get', ['install', ...options, ...names], { env });
  return status === 0 ? null : `apt-get could not install ${names.join(', ')}: ${lastLines(output)}`;
}
