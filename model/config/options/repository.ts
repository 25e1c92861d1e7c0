import { checkAccountName, checkBranchName } from '../../checks/names.js';
import { checkFolderInside } from '../checks.js';
import { line, maybe, path, text } from '../kinds.js';
import { option } from './types.js';

export const repository = {
  repoPath: option(
    maybe(path),
    null,
    '"/home/vincent/src/home"',
    'folder of the flake in a checkout, whose remote is fetched from and pushed to; the checkout itself is never touched',
  ),
  repoUrl: option(
    maybe(line),
    null,
    '"git+ssh://git@example.org/fleet.git"',
    'the repository by its address instead of `repoPath`: a Git URL, or `github:`, `gitlab:` or `sourcehut:OWNER/REPO`',
  ),
  flakeDir: option(
    text('a folder', checkFolderInside),
    '',
    '"nix"',
    'folder of `flake.nix` below `repoPath` or in the repository',
  ),
  gitRemote: option(maybe(line), null, '"upstream"', 'remote of the checkout (default: `origin`, or the only one)', {
    flag: '--remote <name>',
  }),
  mainBranch: option(
    text('a branch', checkBranchName),
    'main',
    '"trunk"',
    'branch that runs start from, and that `land = "merge"` moves',
    { flag: '--main <branch>', help: "branch to start from (default: the remote's HEAD)" },
  ),
  user: option(
    maybe(text('the name of an account', checkAccountName)),
    null,
    '"vincent"',
    'account that does the work, with its Git and SSH settings: by workers that were started with `--user-queue`',
  ),
};
