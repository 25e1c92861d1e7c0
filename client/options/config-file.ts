import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FileFault, readBounded } from '../../host/bounded-file.js';
import { systemCode } from '../../host/errors.js';
import { exists } from '../../host/files.js';
import { BadConfiguration, readConfiguration, type Configuration } from '../../model/config/read.js';
import { isInstanceName } from '../../model/config/checks.js';
import { isTable } from '../../model/config/kinds.js';
import type { Instance, InstanceOptions } from '../../model/config/options/index.js';
import type { Rule } from '../../model/config/rule.js';
import type { Wording } from '../../model/config/wording.js';
import { nearest } from '../../model/text/nearest.js';
import { BadInput } from '../../model/checks/names.js';
import { compareNaturally } from '../../model/text/natural-order.js';
import { stripControl } from '../../model/text/text.js';
import { messageOf } from '../../model/text/message-of.js';
import { CommandError, faultsError } from '../errors.js';
import { parseFlakeReference } from '../flake/reference.js';
import { scheduleSpec } from './schedule-spec.js';

export interface ConfigFlags {
  readonly config?: string;
}

const HERE = '.';

/** Where a configuration is looked for when none is named, in this order. */
const PLACES = [HERE, '/etc/lockkeeper'].flatMap((folder) =>
  ['lockkeeper.toml', 'lockkeeper.json'].map((name) => `${folder}/${name}`),
);

export interface LoadedConfiguration extends Configuration {
  /** Absolute path of the file. */
  readonly file: string;
}

/** Finds and reads the configuration. @throws CommandError with everything that is wrong with it */
export async function loadConfiguration(flags: ConfigFlags): Promise<LoadedConfiguration> {
  const { file, content } = await findFile(flags);
  try {
    return { file, ...readConfiguration(await parse(file, content), RULES) };
  } catch (error) {
    if (!(error instanceof BadConfiguration)) throw error;
    throw faultsError(error.faults, file);
  }
}

/** Whether a configuration would be found that nobody has named on the command line. */
export const hasConfiguration = async (): Promise<boolean> =>
  (process.env.LOCKKEEPER_CONFIG ?? '') !== '' || (await Promise.all(PLACES.map(exists))).includes(true);

/** Names of the configured instances, read without validation; empty if the file is missing or unreadable. */
export async function configuredNames(flags: ConfigFlags): Promise<readonly string[]> {
  try {
    const { file, content } = await findFile(flags);
    const parsed = await parse(file, content);
    const instances = isTable(parsed) ? parsed.instances : null;
    return isTable(instances) ? Object.keys(instances).filter(isInstanceName).sort(compareNaturally) : [];
  } catch {
    return [];
  }
}

/** What only this machine's time zone and the grammar of addresses can say. */
const RULES: readonly Rule[] = [
  { of: ['repoUrl'], faults: addressFaults },
  { of: ['schedule', 'timeZone', 'randomizedDelaySec'], faults: scheduleFaults },
];

function addressFaults({ repoUrl }: InstanceOptions, { place }: Wording): readonly string[] {
  if (repoUrl === null) return [];
  const where = place('repoUrl');
  const fault = (wayOut: string): readonly string[] => [new BadInput(where, repoUrl, wayOut).message];
  try {
    const { kind, ref } = parseFlakeReference(repoUrl);
    if (kind === 'path')
      return fault(
        'is a path: give it as repoPath, or write what kind of address it is: https://…, git+ssh://…, git+file://… or github:OWNER/REPO.',
      );
    return ref === null ? [] : fault('names a branch: name it with mainBranch instead.');
  } catch (error) {
    if (error instanceof CommandError) return [`${where}: ${error.message}`];
    throw error;
  }
}

/** Several time zones in one schedule, of which some may be those of expressions that name none. */
function scheduleFaults(options: InstanceOptions, { place }: Wording): readonly string[] {
  try {
    scheduleSpec(options, place('schedule'));
    return [];
  } catch (error) {
    if (error instanceof BadInput) return [error.message];
    throw error;
  }
}

async function findFile(flags: ConfigFlags): Promise<{ readonly file: string; readonly content: string }> {
  const fromEnvironment = process.env.LOCKKEEPER_CONFIG ?? '';
  const named = flags.config ?? (fromEnvironment === '' ? null : fromEnvironment);
  for (const place of named === null ? PLACES : [named]) {
    const file = resolve(place);
    try {
      const isHere = named === null && place.startsWith(`${HERE}/`);
      return { file, content: await (isHere ? readOwn(file) : readBounded(file, MOST_BYTES)) };
    } catch (error) {
      if (named === null && systemCode(error) === 'ENOENT') continue;
      const source = flags.config === undefined && named !== null ? ' (from $LOCKKEEPER_CONFIG)' : '';
      throw new CommandError(`The configuration ${file}${source} cannot be read: ${reason(error)}.`);
    }
  }
  throw new CommandError(
    `There is no configuration: none of ${PLACES.join(', ')} exists. Name one with --config or $LOCKKEEPER_CONFIG; docs/configuration.md says what goes into it.`,
  );
}

/**
 * What nobody has named is taken only from those who may say what runs here, as Git does with repositories: in a folder such as `/tmp`,
 * anybody could have put it.
 */
async function readOwn(file: string): Promise<string> {
  const refuse = (uid: number): void => {
    if (mayDecide(uid)) return;
    throw new FileFault(
      `it belongs to another account (user ${uid}), and would say what runs as yours. If that is meant, name it with --config`,
    );
  };
  // A link of theirs may lead to a file of ours.
  refuse((await lstat(file)).uid);
  return await readBounded(file, MOST_BYTES, ({ uid }) => {
    refuse(uid);
  });
}

function mayDecide(uid: number): boolean {
  const own = process.geteuid?.();
  // With sudo root is who called it.
  return own === undefined || uid === own || uid === 0 || (own === 0 && String(uid) === process.env.SUDO_UID);
}

/** A configuration of hundreds of instances has a few hundred KB. */
const MOST_BYTES = 16 * 1024 ** 2;

function reason(error: unknown): string {
  if (error instanceof FileFault) return error.message;
  const words: Readonly<Record<string, string>> = { ENOENT: 'it does not exist', EACCES: 'this user may not read it' };
  return words[systemCode(error) ?? ''] ?? messageOf(error);
}

async function parse(file: string, content: string): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(content) as unknown;
    return (await import('smol-toml')).parse(content);
  } catch (error) {
    const kind = file.endsWith('.json') ? 'JSON' : 'TOML';
    throw new CommandError(`${file} is not valid ${kind}: ${stripControl(messageOf(error)).trim()}`);
  }
}

export function findInstance({ file, instances }: LoadedConfiguration, name: string): Instance {
  const found = instances.find((instance) => instance.name === name);
  if (found !== undefined) return found;
  const names = instances.map((instance) => instance.name);
  const near = nearest(name, names);
  const known = names.length === 0 ? 'It has none' : `It has ${names.join(', ')}`;
  throw new CommandError(
    `${file} has no instance "${stripControl(name)}". ${near === null ? known : `Did you mean "${near}"? ${known}`}.`,
  );
}
