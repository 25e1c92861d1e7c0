import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../activities/command/process.js';

/** Git as a test's owner runs it: without the machine's configuration, with a name of its own. */
const environment = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Olive Owner',
  GIT_AUTHOR_EMAIL: 'olive@example.org',
  GIT_COMMITTER_NAME: 'Olive Owner',
  GIT_COMMITTER_EMAIL: 'olive@example.org',
};

/** Runs Git in a folder; gives what it printed, without the last newline, and throws when it fails. */
export async function git(directory: string, ...args: readonly string[]): Promise<string> {
  const result = await run('git', args, { cwd: directory, env: environment });
  if (result.exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
  return result.stdout.replace(/\n$/, '');
}

/** Writes files (with their folders), commits everything, and gives the new commit. */
export async function commitFiles(
  repository: string,
  files: Readonly<Record<string, string>>,
  message: string,
): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(repository, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await git(repository, 'add', '--all');
  await git(repository, 'commit', '--quiet', '--allow-empty', '--message', message);
  return git(repository, 'rev-parse', 'HEAD');
}
