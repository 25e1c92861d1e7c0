import { activityInfo } from '@temporalio/activity';
import { createHash } from 'node:crypto';
import { lstat, lutimes, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { compareClosures, sizeOf } from '../../../model/closure/compare-closures.js';
import { limitTargetChange } from '../../../model/closure/limit.js';
import { contentOf, listedAt, listedBy } from '../../../model/closure/share.js';
import { switchingFromReferences, switchingOf } from '../../../model/closure/switching.js';
import type { Closure, ClosureChange, TargetChange } from '../../../model/closure/closure.js';
import { keepChange } from '../../../host/kept-change.js';
import { exists } from '../../../host/files.js';
import { sideBySide } from '../../../host/side-by-side.js';
import type { MachineActivities } from '../../../model/contract/activities.js';
import type { CompareClosuresInput } from '../../../model/contract/verification.js';
import { distrustOf } from '../../../model/verify/distrust.js';
import { repositoryKey } from '../../../model/run/keys.js';
import { oneLine } from '../../../model/text/one-line.js';
import { targetLabel } from '../../../model/targets/index.js';
import type { ActivityEnvironment } from '../../environment.js';
import { slots } from '../../../host/slots.js';
import { rootPath } from '../build/build-command.js';
import { storeHash } from '../../../model/nix/derivation-file.js';
import { whileHeartbeating } from '../heartbeat.js';
import { targetKey } from '../../../model/machine/record-directory.js';
import { runNix } from '../run-nix.js';
import { compareVulnerabilities } from '../advisories/compare-vulnerabilities.js';
import { identifiersOf } from '../advisories/read-identifiers.js';
import { derivationsApart } from './derivations-apart.js';
import { closureReader, readBootLinks } from './read-closure.js';

/**
 * Makes the activity that tells what an update changes in the closure of a target that this machine built. Repeating it
 * costs what comparing costs.
 * @throws retryable failures of the machine; `NixUnusable`
 */
export const createCompareClosures =
  (env: ActivityEnvironment): MachineActivities['compareClosures'] =>
  (input) =>
    whileHeartbeating({ machine: env.machine }, async (signal) => {
      const compared = async (): Promise<TargetChange | null> =>
        input.same ? null : await inSlot(AT_ONCE, signal, () => compare(env, input, signal));
      const keep = (): Promise<null> => keepClosures(env, input).then(() => null);
      const [whole = null] = await sideBySide([compared, keep], 2, (work) => work());
      if (whole === null) return null;
      const { run, head, target, bytes } = input;
      if (run !== undefined && head !== undefined) await keepChange(env.state, { run, head, target }, whole);
      const verification = activityInfo().workflowExecution?.workflowId ?? '';
      return told(verification, targetLabel(target), whole, bytes);
    });

/** Comparisons at once: they mostly wait for Nix, but a closure of 8,000 paths takes some 50 MB while it is read. */
const AT_ONCE = 4;
const inSlot = slots();

/** The whole change. */
async function compare(
  env: ActivityEnvironment,
  input: CompareClosuresInput,
  signal: AbortSignal,
): Promise<TargetChange | null> {
  const { before, after, target, first, nix } = input;
  const reader = closureReader(target.name, signal);
  const [now, own] = await Promise.all([reader.local(after), before === null ? null : reader.local(before)]);
  if (now === null) return null;
  const changeFrom = async (old: Closure): Promise<ClosureChange> => ({
    ...compareClosures(old, now, first),
    ...(await vulnerabilities(env, input, old, now, signal)),
  });
  if (before !== null && own !== null) {
    const [was, is] = await Promise.all([readBootLinks(before), readBootLinks(after)]);
    const from = input.baseError === null ? ({ from: 'build' } as const) : {};
    return { kind: 'compared', switching: switchingOf(was, is), ...from, ...(await changeFrom(own)) };
  }
  const cached = before === null || nix === undefined ? null : await reader.cached(before, now, nix);
  if (before !== null && cached !== null) {
    const references = cached.infos.get(before)?.references ?? [];
    const switching = switchingFromReferences(references, await readBootLinks(after));
    return { kind: 'compared', switching, from: 'cache', ...(await changeFrom(cached)) };
  }
  const derivations = await compareDerivations(env, now, input, signal);
  const buildError = input.baseError == null ? null : oneLine(input.baseError);
  const size = sizeOf(now.paths);
  return { kind: 'no-base', size, ...(buildError !== null && { buildError }), ...(derivations && { derivations }) };
}

/**
 * What differs between the packages that base and candidate would be built of; `null` where this machine lacks a derivation. Of those,
 * vulnerabilities are looked up of what the new closure has: much else is only needed to build.
 */
async function compareDerivations(
  env: ActivityEnvironment,
  now: Closure,
  input: CompareClosuresInput,
  signal: AbortSignal,
): Promise<ClosureChange | null> {
  const { drvPaths, first } = input;
  const [before, after] = drvPaths ?? [];
  if (before == null || after == null) return null;
  const apart = await derivationsApart([before, after], signal);
  if (apart === null) return null;
  const used = new Set(now.paths.map(({ name }) => name.name));
  const ofUse = ({ paths, ...rest }: Closure): Closure => ({
    ...rest,
    paths: paths.filter(({ name }) => used.has(name.name)),
  });
  return {
    ...compareClosures(apart.before, apart.after, first),
    ...(await vulnerabilities(env, input, ofUse(apart.before), ofUse(apart.after), signal)),
  };
}

/** Known vulnerabilities that come and go, where the owner asks for them. */
async function vulnerabilities(
  env: ActivityEnvironment,
  { advisories, candidate, repository, target, nix, ...about }: CompareClosuresInput,
  before: Closure,
  after: Closure,
  signal: AbortSignal,
): Promise<Pick<ClosureChange, 'vulnerabilities'>> {
  if (advisories === undefined) return {};
  const found = await compareVulnerabilities(
    ...([env.state, advisories, before, after] as const),
    async (packages) =>
      candidate === undefined || nix === undefined
        ? { products: new Map(), fault: null }
        : await identifiersOf(env, { candidate, repository, target, nix, ...distrustOf(about) }, packages, signal),
    signal,
  );
  return { vulnerabilities: found };
}

/** Who lists which packages, of the newest verifications. */
const listed = new Map<string, Map<string, string>>();
const VERIFICATIONS = 50;

/**
 * What the history of a verification gets of a change: as much as there is room for, and packages that it has from another target
 * not again. The host that listed them does so whenever it is asked again; after a restart of the worker they may come twice.
 */
function told(verification: string, target: string, change: TargetChange, bytes: number): TargetChange {
  const list = listedBy(change);
  if (list === null || list.packages.length === 0) return limitTargetChange(change, bytes);
  const owners = listed.get(verification) ?? new Map<string, string>();
  listed.delete(verification);
  listed.set(verification, owners);
  for (const old of [...listed.keys()].slice(0, -VERIFICATIONS)) listed.delete(old);
  const content = createHash('sha256').update(contentOf(list)).digest('base64');
  const owner = owners.get(content) ?? target;
  owners.set(content, owner);
  return owner === target ? limitTargetChange(change, bytes) : listedAt(change, owner);
}

/**
 * Keeps the newest closures of the target in the store, for any of them may be the base of the next run: so many as the owner
 * wants, and the one before them. Those of comparisons are kept apart, so that they displace none of main's.
 */
async function keepClosures(env: ActivityEnvironment, input: CompareClosuresInput): Promise<void> {
  const { repository, target, before, after, same, keep, comparison } = input;
  const owner = `${repositoryKey(repository, true)}${comparison === true ? '-compared' : ''}`;
  const folder = path.join(env.state.closures, owner, targetKey(target));
  // What is the same but for the revision was kept when it came.
  const wanted = [same ? null : before, after].filter((each) => each !== null);
  if (keep > 0) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await sideBySide(wanted, wanted.length, (each) => keepClosure(path.join(folder, storeHash(each)), each));
  }
  const names = await readdir(folder).catch(() => []);
  const roots = names.map(async (name) => {
    const root = path.join(folder, name);
    return { root, usedAt: (await lstat(root)).mtimeMs };
  });
  const old = (await Promise.all(roots))
    .sort((one, other) => other.usedAt - one.usedAt)
    .slice(keep === 0 ? 0 : keep + 1);
  await Promise.all(old.map(({ root }) => rm(root, { force: true })));
}

/** The time of a root is that of its newest use. A closure that is not in the store gets none. */
async function keepClosure(root: string, storePath: string): Promise<void> {
  const now = new Date();
  try {
    await lutimes(root, now, now);
  } catch {
    if (await exists(storePath)) await runNix('nix-store', rootPath(storePath, root));
  }
}
