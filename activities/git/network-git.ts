import { asyncLocalStorage } from '@temporalio/activity';
import { launch } from '../launcher.js';
import { cannotStart, gitBy, type Git, type GitCall } from './git.js';
import type { GitResult } from './local-git.js';

/**
 * Git for commands that talk to a remote. They start helpers (`git-remote-https`, `ssh`) that go on when only Git itself is
 * ended, so they run in a process group of their own, which the activity's cancellation ends whole. `simple-git` cannot do
 * that, and is used for all other commands (`openGit`).
 */
export function openNetworkGit(directory: string, env: Readonly<Record<string, string>>): Git {
  const attempt = async (args: readonly string[], call: GitCall = {}): Promise<GitResult> => {
    const signal = asyncLocalStorage.getStore()?.cancellationSignal;
    const finished = await launch('git', args, {
      cwd: directory,
      env: { ...env, ...call.env },
      ...(call.input === undefined ? {} : { input: call.input }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (finished.notFound) throw cannotStart(directory);
    return { exitCode: finished.exitCode ?? -1, stdout: finished.stdout, stderr: finished.stderr };
  };
  return gitBy(directory, attempt);
}
