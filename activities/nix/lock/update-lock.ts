import path from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { finalFailure } from '../../../model/run/failures.js';
import type { CoordinatorActivities } from '../../../model/contract/activities.js';
import type { LockUpdate, UpdateLockInput } from '../../../model/contract/lock.js';
import type { RefusedInput, UnfetchedInput } from '../../../model/verify/candidate.js';
import { ADVICE_KEPT, adviceOn } from '../../../model/flake-lock/advice.js';
import { cooldownOf, type WaitingInput } from '../../../model/flake-lock/cooldown.js';
import type { Cooldown } from '../../../model/run/options.js';
import { findOldEnough } from '../../git/input-commits.js';
import { composeAllBut } from '../../../model/flake-lock/compose-what-fits.js';
import { movedInputs } from '../../../model/flake-lock/diff.js';
import { goingBack, goingBackWords } from '../../../model/flake-lock/going-back.js';
import { parseFlakeLock } from '../../../model/flake-lock/parse.js';
import { serialiseLock } from '../../../model/flake-lock/serialise.js';
import { FlakeLockError, textAttribute, type FlakeLock } from '../../../model/flake-lock/types.js';
import { noneAskedWords } from '../../../model/report/unfetched.js';
import type { ActivityEnvironment } from '../../environment.js';
import { commitDraft } from '../../git/commit-draft.js';
import { flakeFile, flakeText } from '../../git/flake-files.js';
import { openGit } from '../../git/git.js';
import { installCommit } from '../../git/install-commit.js';
import { withPrivateFolder, withWorkTree } from '../../git/work-tree.js';
import { askInputs } from './ask-inputs.js';
import type { AskedFlake, CooldownRules } from './asked.js';
import type { Answers } from './answers.js';
import type { SourceRules } from './source-rules.js';
import { withoutTooNew } from './cool-down.js';
import { inputRepository } from './input-repository.js';
import { chooseInputs } from './choose-inputs.js';
import { withFetchProxy, type FetchProxy } from './fetch-proxy.js';
import { mayPass } from './fetch-failures.js';
import { inputWishes, readFlakeFile } from '../flake-file.js';
import { whileHeartbeating } from '../heartbeat.js';
import { inputsToUpdate } from './inputs-to-update.js';
import { withoutNewSources } from './new-sources.js';
import { watchRemotes } from './remote-watch.js';
import { triedAgain } from '../tried-again.js';
import { nixVersion } from '../version.js';

/** Seconds between tries when nothing at all could be asked for. After the last one the run is told so. */
const PAUSES: readonly number[] = [5, 15];
/** A try that took longer has waited for upstream by itself. */
const PATIENCE_MS = 20_000;

/**
 * Makes the activity that updates the lock: in work trees of its own, so that the owner's checkout is never touched, and
 * committed as a draft. What moved is judged by content: a lock that Nix only wrote in another form is unchanged. Of groups that
 * take turns the first one moves that can. Repeating it asks upstream again; with the same answers it gives the same draft.
 * @throws `UnknownInput`, `NoInputs`, `LockUnreadable`, `FlakeDoesNotParse`, `NixUnusable`; retryable failures of the machine,
 *   and of the network when nothing could be asked for
 */
export const createUpdateLock =
  (env: ActivityEnvironment): CoordinatorActivities['updateLock'] =>
  (input) =>
    whileHeartbeating(null, async (signal, tell): Promise<LockUpdate> => {
      const started = Date.now();
      const { repository, base } = input;
      const mirror = await installCommit(env, repository, base);
      const flake = { mirror, commit: base, repository };
      const [version, lockText, text] = await Promise.all([
        nixVersion(),
        flakeText(openGit(mirror), repository, base, 'flake.lock'),
        readFlakeFile(flake),
      ]);
      const lock = readLock(input, lockText);
      const rules: SourceRules = {
        lock,
        wishes: (text === null ? null : await inputWishes(text)) ?? new Map(),
        allowed: input.nix.allowSources ?? [],
        own: [env.hostName],
      };
      const removals: Promise<unknown>[] = [];
      return withFetchProxy(rules, async (proxy): Promise<LockUpdate> => {
        const about: AskedFlake = {
          flake,
          lock,
          version,
          nix: input.nix,
          rules,
          signal,
          proxy,
          watch: watchRemotes(rules, tell, proxy.beyond),
          cooldown: input.cooldown === undefined ? null : cooldownRules(env, input, input.cooldown, proxy),
          withFolder: (work) =>
            withWorkTree(env, repository, base, 'lock', (tree, made) =>
              work({ path: path.join(tree, repository.dir), made }),
            ),
          // What stays because of a fault is removed by the next worker.
          withPrivateFolder: (work) =>
            withPrivateFolder(env, 'sources', work, (removal) => removals.push(removal.catch(() => undefined))),
        };
        const choices = await chooseInputs(env, flake, lock, input);
        await inputsToUpdate(flake, lock, input.named ?? []);
        const unfetched: UnfetchedInput[] = [];
        const refused: RefusedInput[] = [];
        const waiting: WaitingInput[] = [];
        const stayed = () => ({
          unfetched,
          ...(refused.length === 0 ? {} : { refused }),
          ...(waiting.length === 0 ? {} : { waiting }),
        });
        const asked: string[] = [];
        for (const { group, names } of choices) {
          const answers = withoutTooNew(about, await askInputs(about, [...new Set([...names, ...newInputs(about)])]));
          const unasked = answers.unfetched.map(({ name }) => name);
          asked.push(...names.filter((name) => !unasked.includes(name)));
          const permitted = withoutNewSources(rules, answers);
          const update = input.mayGoBack === true ? permitted : withoutGoingBack(lock, permitted);
          refused.push(...update.refused);
          const others = [...update.refused, ...update.unfetched].map(({ name }) => name);
          waiting.push(...update.waiting.filter(({ name }) => !others.includes(name)));
          unfetched.push(...update.unfetched);
          const moved = update.lock === null ? [] : movedInputs(lock, parseFlakeLock(update.lock));
          if (update.lock === null || moved.length === 0) continue;
          const draft = { ...(await commitDraft(env, input, base, update.lock)), lockedBy: version.text };
          const advice = advised(parseFlakeLock(update.lock), asked);
          return { kind: 'updated', draft, moved, ...stayed(), ...advice, ...(group === null ? {} : { group }) };
        }
        if (unfetched.length === 0 || asked.length > 0)
          return { kind: 'unchanged', ...stayed(), ...(lock === null ? {} : advised(lock, asked)) };
        const pause = PAUSES[activityInfo().attempt - 1];
        const isShort = Date.now() - started < PATIENCE_MS && unfetched.some(({ reason }) => mayPass(reason));
        if (pause === undefined || !isShort) return { kind: 'unchanged', unfetched, noneAsked: true };
        throw triedAgain(noneAskedWords(unfetched), { tries: PAUSES.length + 1, pause });
      }).finally(() => Promise.all(removals));
    });

/** Inputs that the lock of base lacks. Nix locks them at their newest revision, unless they are asked for by name. */
const newInputs = ({ cooldown, rules: { lock, wishes } }: AskedFlake): readonly string[] =>
  cooldown === null || lock === null
    ? []
    : [...wishes].flatMap(([name, { follows }]) => (follows !== undefined || lock.root.inputs.has(name) ? [] : [name]));

const cooldownRules = (
  env: ActivityEnvironment,
  { nix, date }: UpdateLockInput,
  cooldown: Cooldown,
  proxy: FetchProxy,
): CooldownRules => ({
  seconds: (name) => cooldownOf(cooldown, name),
  latest: (name) => (cooldownOf(cooldown, name) === 0 ? null : date - cooldownOf(cooldown, name)),
  find: async ({ locked }, latest, before) => {
    const newest = textAttribute(locked, 'rev');
    const source = locked === null || newest === null ? null : await inputRepository(locked, nix, proxy);
    return source === null || newest === null ? null : findOldEnough(env, source, { newest, latest, locked: before });
  },
});

function advised(lock: FlakeLock, asked: readonly string[]): Pick<LockUpdate, 'advice'> {
  const advice = adviceOn(lock, new Date(), asked).slice(0, ADVICE_KEPT);
  return advice.length === 0 ? {} : { advice };
}

/** Nobody would look at what goes back to an older revision before it lands, so it stays: upstream may have been rewound. */
function withoutGoingBack(before: FlakeLock | null, answers: Answers): Answers {
  if (before === null || answers.lock === null) return answers;
  const after = parseFlakeLock(answers.lock);
  const back = goingBack(before, after);
  if (back.length === 0) return answers;
  const staying = back.map(({ name }) => name);
  const { lock, left } = composeAllBut(before, after, staying);
  const unfetched = back.map((one) => ({ name: one.name, reason: goingBackWords(one) }));
  return { ...answers, lock: serialiseLock(lock), unfetched: [...answers.unfetched, ...unfetched, ...left] };
}

/** The lock of base; `null` when there is none, which the update then makes. */
function readLock(input: UpdateLockInput, text: string | null): FlakeLock | null {
  try {
    return text === null ? null : parseFlakeLock(text);
  } catch (error) {
    if (!(error instanceof FlakeLockError)) throw error;
    const where = `${flakeFile(input.repository, 'flake.lock')} at commit ${input.base.slice(0, 12)}`;
    throw finalFailure('LockUnreadable', `${where}: ${error.message}`);
  }
}
