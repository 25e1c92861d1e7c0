import type { CoordinatorActivities } from '../../../model/contract/activities.js';
import { readableFlakeLock } from '../../../model/flake-lock/parse.js';
import { textAttribute } from '../../../model/flake-lock/types.js';
import { nodeOfInput, rootInputs } from '../../../model/flake-lock/walk.js';
import type { ActivityEnvironment } from '../../environment.js';
import { flakeText } from '../../git/flake-files.js';
import { openGit } from '../../git/git.js';
import { commitsBetween } from '../../git/input-commits.js';
import { installBundle } from '../../git/install-commit.js';
import { inputWishes, type InputWish } from '../flake-file.js';
import { whileHeartbeating } from '../heartbeat.js';
import { withFetchProxy, type FetchProxy } from './fetch-proxy.js';
import { inputRepository } from './input-repository.js';
import { sideBySide } from '../../../host/side-by-side.js';
import { INPUTS_AT_ONCE } from './asked.js';

/** After so long no input is begun any more. A fetch that is under way has limits of its own. */
const ENOUGH_MS = 60_000;

/**
 * Makes the activity that reads the commits of inputs. It changes nothing but what the machine keeps of them, so it may be
 * repeated.
 * @throws what `installBundle` throws; `TokenFile`
 */
export const createReadCommits =
  (env: ActivityEnvironment): CoordinatorActivities['readCommits'] =>
  ({ repository, candidate, nix }) =>
    whileHeartbeating(null, async () => {
      const git = openGit(await installBundle(env, { repository, candidate }));
      const lockOf = async (commit: string) =>
        readableFlakeLock(await flakeText(git, repository, commit, 'flake.lock'));
      const [before, after] = [await lockOf(candidate.base), await lockOf(candidate.head)];
      if (before === null || after === null) return [];
      const end = Date.now() + ENOUGH_MS;
      const text = await flakeText(git, repository, candidate.base, 'flake.nix');
      const rules = {
        lock: before,
        wishes: (text === null ? null : await inputWishes(text)) ?? new Map<string, InputWish>(),
        allowed: nix.allowSources ?? [],
        own: [env.hostName],
      };
      const read = (proxy: FetchProxy) =>
        sideBySide(rootInputs(after), INPUTS_AT_ONCE, async ({ name, follows }) => {
          const was = nodeOfInput(before, [name])?.locked ?? null;
          const is = nodeOfInput(after, [name])?.locked ?? null;
          const [from, to] = [textAttribute(was, 'rev'), textAttribute(is, 'rev')];
          const fromSeconds = was?.get('lastModified');
          if (follows !== null || is === null || from === null || to === null || from === to) return null;
          const source = Date.now() > end ? null : await inputRepository(is, nix, proxy);
          if (source === null || typeof fromSeconds !== 'number') return null;
          const commits = await commitsBetween(env, source, { from, fromSeconds, to });
          return commits === null || typeof commits === 'string' ? null : { name, from, to, ...commits };
        });
      const found = await withFetchProxy(rules, read);
      return found.filter((one) => one !== null);
    });
