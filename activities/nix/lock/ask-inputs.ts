import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { WaitingInput } from '../../../model/flake-lock/cooldown.js';
import type { RefusedInput } from '../../../model/verify/candidate.js';
import { composeWhatFits } from '../../../model/flake-lock/compose-what-fits.js';
import { parseFlakeLock } from '../../../model/flake-lock/parse.js';
import { serialiseLock } from '../../../model/flake-lock/serialise.js';
import type { FlakeLock } from '../../../model/flake-lock/types.js';
import type { Finished } from '../../command/process.js';
import { lockFlakeApart } from '../commands.js';
import { nixErrorMessage } from '../../../host/nix/error-message.js';
import { faultOf } from '../faults.js';
import { boundsFor, cutOffWords } from './bounds.js';
import { cachedAnswers, fetchFailure, type CachedAnswer } from './fetch-failures.js';
import { declaredInputs, readFlakeFile } from '../flake-file.js';
import { flakeFailure } from './flake-failure.js';
import { isLockRefusal } from '../lock-refusal.js';
import { inputsAt } from './inputs-at.js';
import { INPUTS_AT_ONCE, type AskedFlake, type TreeFolder } from './asked.js';
import type { Answers } from './answers.js';
import { broughtAsSubmodules } from './submodules.js';
import { whilePinned, withOriginals } from './pinned-flake.js';
import { settleInputs } from './settle-inputs.js';
import { readIfThere } from '../../../host/files.js';
import { faultFailure, runNix } from '../run-nix.js';

/**
 * Asks upstream for inputs of a flake, with one command for all. When that fails, because one dead input fails it whole, or when
 * Nix takes an answer out of its cache because upstream gave none, those that it may be about are asked for one by one. What
 * upstream does not answer for stays where it is.
 * @throws retryable when the machine is to blame; what `flakeFailure` names when no input is to blame
 */
export const askInputs = (about: AskedFlake, names: readonly string[]): Promise<Answers> =>
  about.withFolder(async (folder) => {
    const together = await ask(about, folder, about.lock, names);
    if (isAnswered(together)) return { ...together, lock: together.text, unfetched: [] };
    if (about.lock === null) return keepAll(about, names, together, '');
    // What flake.nix has and the lock lacks is fetched by every command, and would fail them all.
    const complete = await ask(about, folder, about.lock, []);
    if (!hasEnded(complete) || complete.text === null)
      return keepAll(about, names, complete, 'the lock lacks an input of flake.nix that cannot be fetched: ');
    return askOneByOne(about, folder, names, together, parseFlakeLock(complete.text));
  });

interface Asked {
  readonly finished: Finished;
  /** Why it was ended, if it was. */
  readonly cutOff: string | null;
  /** The lock that it left; `null` when there is none. */
  readonly text: string | null;
  /** What it took out of Nix's cache because upstream did not answer. */
  readonly cached: readonly CachedAnswer[];
  readonly refused: readonly RefusedInput[];
  readonly waiting: readonly WaitingInput[];
  readonly submodules: Answers['submodules'];
}

const hasEnded = ({ finished }: Asked): boolean => finished.exitCode === 0;
const isAnswered = (asked: Asked): boolean => hasEnded(asked) && asked.cached.length === 0;

/**
 * Asks upstream for some inputs. They are taken out of the lock, for Nix locks anew what it lacks and leaves the rest: its command
 * line does not take every name that `flake.nix` may have (`_1x`, `"a.b"`). They are fetched first without what they ask for
 * themselves, and then with it into a store apart, where nobody else can read what comes of it.
 */
const ask = (about: AskedFlake, folder: TreeFolder, lock: FlakeLock | null, names: readonly string[]): Promise<Asked> =>
  about.withPrivateFolder((place) =>
    about.watch.during({ folders: [place, folder.path], inputs: names }, () =>
      askIn(about, place, folder, lock, names),
    ),
  );
async function askIn(
  about: AskedFlake,
  place: string,
  { path: folder, made }: TreeFolder,
  lock: FlakeLock | null,
  names: readonly string[],
): Promise<Asked> {
  const { version, nix, signal, proxy } = about;
  const settled = await settleInputs(about, place, lock, names);
  const cached = settled.finished === null ? [] : cachedAnswers(settled.finished.stderr, version);
  if (settled.kind === 'failed')
    return { ...checked(settled.finished, names), text: null, cached, refused: [], waiting: [], submodules: new Map() };
  await made;
  const file = path.join(folder, 'flake.lock');
  if (settled.lock === null) await rm(file, { force: true });
  else await writeFile(file, serialiseLock(settled.lock));
  const finished = await whilePinned(folder, about.rules.wishes, settled.pins, () =>
    runNix('nix', lockFlakeApart(nix, path.join(place, 'store')), {
      cwd: folder,
      signal,
      fetching: nix,
      passage: proxy.passage(),
      ...boundsFor(names.length),
    }),
  );
  const text = await readIfThere(file);
  const ended = checked(finished, names);
  const after = text === null || finished.exitCode !== 0 ? null : withOriginals(text, settled.pins);
  return {
    ...ended,
    text: after ?? text,
    submodules:
      after === null ? new Map() : await broughtAsSubmodules(about, parseFlakeLock(after), path.join(place, 'store')),
    cached: [...cached, ...cachedAnswers(finished.stderr, version)],
    refused: settled.refused,
    waiting: settled.waiting,
  };
}

/** @throws retryable when the machine is to blame for what came out */
function checked(finished: Finished, names: readonly string[]): Pick<Asked, 'finished' | 'cutOff'> {
  const cutOff = cutOffWords(finished, names);
  const fault = finished.exitCode === 0 || cutOff !== null ? null : faultOf(finished);
  if (fault?.kind === 'machine') throw faultFailure('The lock was not updated', fault, finished);
  return { finished, cutOff };
}

async function askOneByOne(
  about: AskedFlake,
  folder: TreeFolder,
  names: readonly string[],
  together: Asked,
  complete: FlakeLock,
): Promise<Answers> {
  const newest = hasEnded(together) && together.text !== null ? parseFlakeLock(together.text) : null;
  const doubted =
    newest === null ? names : [...new Set(together.cached.flatMap(({ url }) => inputsAt(newest, names, url)))];

  const oneByOne = new Map<string, Asked>();
  const todo = [...doubted];
  const next = async (own: TreeFolder): Promise<void> => {
    for (let name = todo.shift(); name !== undefined; name = todo.shift())
      oneByOne.set(name, await ask(about, own, complete, [name]));
  };
  const others = Array.from({ length: Math.min(INPUTS_AT_ONCE, doubted.length) - 1 }, () => about.withFolder(next));
  const ended = await Promise.allSettled([next(folder), ...others]);
  for (const one of ended) if (one.status === 'rejected') throw one.reason;

  const sure = names.filter((name) => !doubted.includes(name));
  const ofSure = <T extends { readonly name: string }>(inputs: readonly T[]): T[] =>
    newest === null ? [] : inputs.filter(({ name }) => sure.includes(name));
  const refused = ofSure(together.refused);
  const waiting = ofSure(together.waiting);
  const submodules = new Map(together.submodules);
  let { lock, left: unfetched } =
    newest === null ? { lock: complete, left: [] } : composeWhatFits(complete, newest, sure);
  for (const name of doubted) {
    const asked = oneByOne.get(name);
    if (asked === undefined) continue;
    if (isAnswered(asked) && asked.text !== null) {
      const composed = composeWhatFits(lock, parseFlakeLock(asked.text), [name]);
      lock = composed.lock;
      unfetched = [...unfetched, ...composed.left];
      refused.push(...asked.refused);
      waiting.push(...asked.waiting);
      submodules.set(name, asked.submodules.get(name) ?? []);
    } else {
      unfetched = [...unfetched, { name, reason: reasonOf(asked) }];
    }
  }
  return { lock: serialiseLock(lock), unfetched, refused, waiting, submodules };
}

const reasonOf = ({ finished, cached, cutOff }: Asked): string => cutOff ?? cached[0]?.reason ?? fetchFailure(finished);

/** When Nix cannot even lock the flake as it is, not one input moves: throws unless only inputs can be to blame. */
async function keepAll(
  { flake, lock }: AskedFlake,
  names: readonly string[],
  asked: Asked,
  where: string,
): Promise<Answers> {
  const { finished } = asked;
  if (!hasEnded(asked) && asked.cutOff === null && (faultOf(finished) === null || names.length === 0)) {
    const text = await readFlakeFile(flake);
    const readable = text !== null && (await declaredInputs(text)) !== null;
    if (!readable || names.length === 0 || isLockRefusal(nixErrorMessage(finished.stderr)))
      throw await flakeFailure(flake, finished);
  }
  const reason = where + reasonOf(asked);
  return {
    lock: lock === null ? null : serialiseLock(lock),
    unfetched: names.map((name) => ({ name, reason })),
    refused: [],
    waiting: [],
    submodules: new Map(),
  };
}
