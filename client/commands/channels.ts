import { readLook } from '../../host/channel-looks.js';
import { readReport, reportFiles } from '../../host/reports.js';
import { LEFT_OUT, TARGET_GONE, whyBehind, type ChannelLook, type SeenChannel } from '../../model/channels/look.js';
import { channelsOf, channelOf, checkChannelTemplate } from '../../model/channels/names.js';
import { BadInput } from '../../model/checks/names.js';
import type { Report } from '../../model/report/data.js';
import { mayBeRunOf } from '../../model/run/ids.js';
import type { NixSettings, Repository, TargetSelection } from '../../model/run/options.js';
import { chooseTargets, hostFilter, type Choice } from '../../model/targets/choose.js';
import { DEFAULT_KIND, isFlakeTarget, namedBy, type Target } from '../../model/targets/index.js';
import { compareNaturally } from '../../model/text/natural-order.js';
import { oneLine, oneName } from '../../model/text/one-line.js';
import type { CommandContext } from '../context.js';
import { channelTable, type ListedChannel } from './channel-table.js';
import { CommandError } from '../errors.js';
import { withChannels, type SeenChannel as FoundChannel } from '../flake/channels.js';
import { flakeContents, type Told } from '../flake/contents.js';
import { resolveFlake } from '../flake/flake.js';
import { whyNot } from '../flake/git.js';
import { FETCH_MS } from '../flake/scratch.js';
import { configuredNames, findInstance, loadConfiguration, type ConfigFlags } from '../options/config-file.js';
import { instanceOptions } from '../options/instance-options.js';
import { message, result, resultJson } from '../terminal/output.js';
import { suggest } from '../terminal/suggest.js';

export interface ChannelFlags extends ConfigFlags {
  /** Of a FLAKE. */
  readonly channel: string;
  readonly remote?: string;
  readonly main?: string;
}

interface Asked {
  readonly repository: Repository;
  readonly template: string;
  readonly nix: Pick<NixSettings, 'options' | 'impure'>;
  readonly selection: TargetSelection;
  /** How long a channel may stand still; `null` where no alarm is asked for. */
  readonly limitSeconds: number | null;
}

/** `lockkeeper channels [FLAKE|INSTANCE]`: where each channel is, and why it is not at main. */
export async function channels(context: CommandContext, what: string, flags: ChannelFlags): Promise<number> {
  const asked = await askedFor(what, flags);
  const { repository, template } = asked;
  const about = { repository: repository.displayUrl, mainBranch: repository.mainBranch, template };
  const [reports, targets, last] = await Promise.all([
    reportsOf(context, repository),
    targetsOf(asked),
    readLook(context.state, about),
  ]);
  const listed = await withChannels(repository, template, (seen) =>
    Promise.resolve(listChannels(asked, seen.main, seen.channels, { targets, reports, last })),
  );
  if (!targets.ok) message(`note: the targets of the flake are not known: ${oneLine(targets.why)}`);
  if (context.json) resultJson(listed);
  else if (listed.length === 0) message('There are no channels yet.');
  else result(channelTable(listed, asked.limitSeconds));
  return 0;
}

async function askedFor(what: string, flags: ChannelFlags): Promise<Asked> {
  if ((await configuredNames(flags)).includes(what)) {
    const instance = findInstance(await loadConfiguration(flags), what);
    const { repository, channel, nix, targets: selection } = await instanceOptions(instance);
    if (channel === undefined) throw new CommandError(`instances.${what} has no channels: give channel there.`);
    return { repository, template: channel, nix, selection, limitSeconds: instance.channelAlarmSec };
  }
  try {
    const template = checkChannelTemplate(flags.channel, '--channel');
    const transport = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null };
    const repository = await resolveFlake(what, { remote: flags.remote ?? null, main: flags.main ?? null, transport });
    const selection = { hosts: 'all', exclude: null } as const;
    return { repository, template, nix: { options: [], impure: false }, selection, limitSeconds: null };
  } catch (error) {
    throw error instanceof BadInput ? new CommandError(error.message) : error;
  }
}

/** The targets that the flake has on main now, and which of them are built. */
async function targetsOf({ repository, nix, selection }: Asked): Promise<Told<Known>> {
  const { patterns = [] } = selection;
  const contents = await flakeContents(repository, { ...nix, patterns }, false);
  if (!contents.ok) return contents;
  const { outputs } = contents.value;
  if (!outputs.ok) return outputs;
  const { hosts, sets } = outputs.value;
  if (patterns.length > 0) return { ok: true, value: chooseTargets(patterns, sets, true) };
  const isBuilt = hostFilter(selection);
  return {
    ok: true,
    value: {
      targets: hosts.filter(isBuilt).map((name) => ({ kind: DEFAULT_KIND, name })),
      notAsked: hosts.filter((host) => !isBuilt(host)),
    },
  };
}

/** What this machine has reports of, newest first. */
async function reportsOf({ state }: CommandContext, repository: Repository): Promise<readonly Report[]> {
  const files = (await reportFiles(state, (name) => mayBeRunOf(repository, name))).slice(0, LOOKED_AT);
  const reports = await Promise.all(files.map((file) => readReport(file).catch(() => null)));
  return reports.filter((report) => report !== null).filter((report) => report.repository === repository.displayUrl);
}

const LOOKED_AT = 50;

type Known = Pick<Choice, 'targets' | 'notAsked'>;

interface Knowledge {
  readonly targets: Told<Known>;
  readonly reports: readonly Report[];
  /** How they were seen last on this machine. */
  readonly last: ChannelLook | null;
}

function listChannels(
  { template, repository: { mainBranch: main } }: Asked,
  head: string,
  seen: readonly FoundChannel[],
  { targets, reports, last }: Knowledge,
): readonly ListedChannel[] {
  const wanted = targets.ok ? channelsOf(template, targets.value.targets, { main, field: 'channel' }) : [];
  const leftOut = new Map(
    (targets.ok ? targets.value.notAsked : []).map((label) => [channelOf(template, namedBy(label)), label]),
  );
  const known = new Map(seen.map((channel) => [channel.branch, channel]));
  const stood = new Map(last?.channels.map((channel): [string, SeenChannel] => [channel.branch, channel]));
  const of = (channel: string, target: string | null): ListedChannel => {
    const { commit = null, committedAt = null, behind = null } = known.get(channel) ?? {};
    const other = leftOut.get(channel);
    const stays = !targets.ok || target !== null ? null : other === undefined ? TARGET_GONE : LEFT_OUT;
    const why = commit === head ? stays : (stays ?? whyBehind({ channel, commit, behind, main }, reports));
    const before = stood.get(channel);
    const since = commit !== head && before?.commit === commit && stays !== LEFT_OUT ? before.since : null;
    return { channel, target: target ?? other ?? null, commit, committedAt, behind, why, since };
  };
  const others = seen.filter(({ branch }) => !wanted.some((channel) => channel.branch === branch));
  return [
    ...wanted.map(({ branch, target }) => of(branch, target)),
    ...others.map(({ branch }) => of(branch, null)),
  ].sort((one, other) => compareNaturally(one.channel, other.channel));
}

/**
 * `lockkeeper channels reset HOST`: puts a channel to the newest commit of main at which a report of this machine says that the host was
 * built, from wherever it is; or removes it.
 */
export async function resetChannel(
  context: CommandContext,
  host: string,
  what: string,
  { remove, ...flags }: ChannelFlags & { readonly remove?: true },
): Promise<number> {
  const { repository, template } = await askedFor(what, flags);
  const target = namedBy(host) as Target;
  if (!isFlakeTarget(target))
    throw new CommandError(`${oneName(host)} has no channel: name a host, or a target that is built.`);
  const branch = channelOf(template, target);
  if (repository.local)
    throw new CommandError(
      `${repository.displayUrl} has no remote: "git branch --force ${branch} COMMIT" moves its channel.`,
    );
  const reports = await reportsOf(context, repository);
  return await withChannels(repository, template, async ({ main, channels: seen, own }) => {
    const from = seen.find((channel) => channel.branch === branch)?.commit ?? null;
    if (from === null && remove === true) throw new CommandError(`There is no channel ${oneLine(branch)}.`);
    const to = remove === true ? null : await builtOnMain(own, main, host, reports, repository);
    if (from !== null && to !== null && to !== from && (await isIn(own, to, from)) && (await isIn(own, from, main)))
      throw new CommandError(
        `${oneLine(branch)} is at ${from}, which is on ${oneLine(repository.mainBranch)} and newer than ${to}, the newest commit that a report of this machine says was built: it stays.`,
      );
    if (to !== from) {
      const lease = `--force-with-lease=refs/heads/${branch}:${from ?? ''}`;
      const pushed = await own([
        'push',
        '--quiet',
        '--no-verify',
        lease,
        '--',
        repository.url,
        `${to ?? ''}:refs/heads/${branch}`,
      ]);
      if (!pushed.ok)
        throw new CommandError(`The remote did not take ${oneLine(branch)}: ${whyNot(pushed, FETCH_MS)}.`);
    }
    const words =
      to === null
        ? `removed; it was at ${String(from)}`
        : to === from
          ? `is at ${to} already`
          : `${from ?? 'nothing'} → ${to}`;
    if (context.json) resultJson({ channel: branch, from, to });
    else result(`${oneLine(branch)}: ${words}`);
    return 0;
  });
}

type OwnGit = Parameters<Parameters<typeof withChannels>[2]>[0]['own'];

/** Whether a commit is another one, or an ancestor of it. */
const isIn = async (own: OwnGit, one: string, other: string): Promise<boolean> =>
  (await own(['merge-base', '--is-ancestor', one, other])).ok;

/** @throws CommandError when no report tells of such a commit */
async function builtOnMain(
  own: OwnGit,
  main: string,
  host: string,
  reports: readonly Report[],
  { mainBranch, dir }: Repository,
): Promise<string> {
  let newest: string | null = null;
  // Reports are in the order in which runs ended, which is not that of main.
  for (const { head, targets, flakeDir } of reports) {
    const isBuilt = targets.some(({ name, verdict }) => name === host && verdict === 'built');
    if (head === null || !isBuilt || flakeDir !== dir) continue;
    if (!(await isIn(own, head, main))) continue;
    if (newest === null || (await isIn(own, newest, head))) newest = head;
  }
  if (newest !== null) return newest;
  throw new CommandError(
    `No report of this machine says at which commit of ${mainBranch} ${oneName(host)} was built: verify it first ("${suggest('verify')}").`,
  );
}
