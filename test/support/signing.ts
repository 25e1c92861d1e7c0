import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../activities/command/process.js';

async function mustRun(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await run(command, args, { env: { ...process.env, ...env } });
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export const sshKey = async (file: string, type: string, passphrase = ''): Promise<string> => {
  await mustRun('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'bot@example.org', '-f', file]);
  return file;
};

/** A key of OpenPGP, and the folder in which gpg knows it. @param type as gpg names it: `ed25519`, `rsa2048` */
export async function openpgpKey(folder: string, name: string, type: string, passphrase = ''): Promise<string> {
  const gpg = ['--homedir', folder, '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', passphrase];
  await mustRun('gpg', [...gpg, '--quick-generate-key', `${name} <${name}@example.org>`, type, 'sign', 'never']);
  const file = path.join(folder, `${name}.asc`);
  await writeFile(file, await mustRun('gpg', [...gpg, '--armor', '--export-secret-keys', name]), { mode: 0o600 });
  await mustRun('gpgconf', ['--homedir', folder, '--kill', 'gpg-agent']);
  return file;
}

/** Settings with which Git believes a key of OpenSSH. */
export async function trusting(key: string): Promise<readonly string[]> {
  const allowed = `${key}.allowed`;
  await writeFile(allowed, `* namespaces="git" ${await mustRun('ssh-keygen', ['-y', '-f', key])}`);
  return ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${allowed}`];
}
