import { cancellationSignal } from '@temporalio/activity';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GateInput } from '../../model/contract/verification.js';
import type { AgentRights } from '../../model/sandbox/sandbox.js';
import { makeFolder, writeWhole } from '../../host/files.js';
import type { ActivityEnvironment } from '../environment.js';
import { candidateFlakeUrl } from '../git/install-commit.js';
import { fetchingEnvironment } from '../nix/access-tokens.js';
import {
  buildFormatter,
  checkFlake,
  copyInputs,
  evaluateDerivations,
  evaluateFormatter,
  evaluateSystem,
  type TreatedSettings,
} from '../nix/commands.js';
import { nixEnvironment } from '../../host/nix/environment.js';
import { firstOwnFetch } from '../nix/own-fetches.js';
import { EVALUATION_BUILDS, needsBuild, ownFetch, treatmentOf } from '../nix/distrust.js';
import { runNix } from '../nix/run-nix.js';
import { removeTree } from '../files/remove-tree.js';
import { enclosedFiles, type EnclosedOrder, type SandboxPlace } from '../sandbox/enclose.js';
import { hiddenFiles } from '../sandbox/hidden.js';
import { ATTEMPT_VARIABLE, endLeftovers } from '../sandbox/leftovers.js';
import { nixVariables } from '../sandbox/nix-access.js';
import { makeOwnTree } from '../sandbox/own-tree.js';
import { Unusable } from '../sandbox/unusable.js';
import { plainVariables } from '../sandbox/variables.js';

/**
 * Gates on what an agent wrote. What runs it runs in the sandbox of an agent, without the variables and the home that an agent
 * is lent. What Nix does with it is what it does for a host as well, and is done outside in the same way: a formatter is built
 * so before it runs, and `nix flake check` runs nothing.
 */
export interface DistrustedGate {
  readonly env: ActivityEnvironment;
  readonly input: GateInput;
  readonly folder: string;
  readonly mirror: string;
  /** Absolute path of the program, and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Folder in the tree that it starts in. */
  readonly directory: string;
}

export interface GateProcess {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const PROCESS = fileURLToPath(new URL('../sandbox/enclosed-process.js', import.meta.url));

export const distrustedPlace = (folder: string): SandboxPlace => ({
  tree: path.join(folder, 'tree'),
  home: path.join(folder, 'home'),
  temporary: path.join(folder, 'tmp'),
  resolver: path.join(folder, 'resolv.conf'),
});

/** Makes the tree of such a gate, which has no objects of the mirror's, and removes what is left of an earlier one. */
export async function makeDistrustedTree(folder: string, mirror: string, commit: string): Promise<void> {
  const { tree, home, temporary } = distrustedPlace(folder);
  await endLeftovers(folder);
  for (const each of [home, temporary]) {
    await removeTree(each);
    await makeFolder(each);
  }
  for (const file of Object.values(enclosedFiles(folder))) await rm(file, { force: true });
  await makeOwnTree(mirror, commit, tree);
}

/** The supervised process of a gate on an agent's work. @throws Unusable where a person has to approve it first */
export async function distrustedProcess(gate: DistrustedGate): Promise<GateProcess> {
  const { repository, candidate, gate: target } = gate.input;
  const treatment = await treatmentOf(gate.mirror, gate.input);
  if (treatment.kind === 'refused') throw new Unusable(treatment.why);
  const { nix } = treatment;
  const url = candidateFlakeUrl(gate.mirror, candidate.head, repository.dir);
  const preset = target.check.kind === 'preset' ? target.check.preset : null;
  if (preset === null) return await enclosed(gate, nix, url);
  const system = JSON.parse((await runNix('nix-instantiate', evaluateSystem(nix))).stdout || '""') as string;
  const mayFetch = treatment.kind === 'usual' || treatment.mayFetch;
  const refuse = (output: string, derivations: string): Promise<boolean> =>
    mayFetch ? Promise.resolve(true) : refuseFetches(url, [output, system], derivations, nix);
  if (preset === 'flake-check') {
    const isKnown = await refuse('checks', 'checks: map (check: check.drvPath) (builtins.attrValues checks)');
    // Where there is nothing to build, or it cannot be told, it says so itself.
    const command = ['nix', ...checkFlake(nix, url, isKnown ? [] : ['--no-build'])];
    return { command, env: await fetchingEnvironment(nix) };
  }
  if (preset === 'fmt') {
    await refuse('formatter', 'formatter: [ formatter.drvPath ]');
    return await formatting(gate, nix, { url, system });
  }
  return await enclosed(gate, nix, url);
}

/**
 * Refuses what builders with the network of the machine would make, and what needs a build to be known.
 * @param derivations function from the output to paths of derivations
 * @returns whether it is known what would be built
 * @throws Unusable
 */
async function refuseFetches(
  url: string,
  output: readonly string[],
  derivations: string,
  nix: TreatedSettings,
): Promise<boolean> {
  const signal = cancellationSignal();
  const found = await runNix('nix', evaluateDerivations(url, output, derivations, nix), { fetching: nix, signal });
  if (needsBuild(found.stderr)) throw new Unusable(EVALUATION_BUILDS);
  if (found.exitCode !== 0) return false;
  for (const drvPath of JSON.parse(found.stdout) as string[]) {
    const name = await firstOwnFetch(drvPath, () => Promise.resolve(null), nix, signal);
    if (name !== null) throw new Unusable(ownFetch(name));
  }
  return true;
}

async function formatting(
  gate: DistrustedGate,
  nix: TreatedSettings,
  { url, system }: { readonly url: string; readonly system: string },
): Promise<GateProcess> {
  const root = path.join(gate.folder, 'formatter');
  const before = ['nix', ...buildFormatter(url, system, root, nix)] as const;
  const program = await runNix('nix', evaluateFormatter(url, system, nix), { fetching: nix });
  // It fails in the same way, and its words are the gate's.
  if (program.exitCode !== 0) return { command: before, env: await fetchingEnvironment(nix) };
  return await enclosed({ ...gate, command: [program.stdout, '.'] }, nix, url, { before: ['nix', ...before.slice(1)] });
}

async function enclosed(
  gate: DistrustedGate,
  nix: TreatedSettings,
  url: string,
  more: Pick<EnclosedOrder, 'before'> = {},
): Promise<GateProcess> {
  const { env, input, folder, command, directory } = gate;
  const { network, nixDaemon, secretFiles, limits } = input.agentRights ?? LEAST;
  const place = distrustedPlace(folder);
  const access = await nixVariables(place.home, nixDaemon);
  // In a store of its own it has neither credentials of private inputs, nor what this machine has fetched. What cannot be copied is
  // for the gate to say.
  if (path.basename(command[0]) === 'nix' && access.NIX_REMOTE !== 'daemon')
    await runNix('nix', copyInputs(url, access.NIX_REMOTE, nix), { fetching: nix });
  const [program, ...args] = command;
  const order: EnclosedOrder = {
    command: program,
    args,
    env: {
      ...present(nixEnvironment(plainVariables())),
      ...access,
      HOME: place.home,
      TMPDIR: place.temporary,
      [ATTEMPT_VARIABLE]: folder,
    },
    place,
    directory,
    lent: [],
    hidden: hiddenFiles(env, input.repository, secretFiles),
    network,
    record: folder,
    ...(limits === undefined ? {} : { limits }),
    ...more,
  };
  await writeWhole(enclosedFiles(folder).order, JSON.stringify(order));
  return { command: [process.execPath, PROCESS, folder], env: await fetchingEnvironment(nix) };
}

/** Of a run that does not say what its agents may. */
const LEAST: AgentRights = { network: 'outside', nixDaemon: false, secretFiles: [] };

const present = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
