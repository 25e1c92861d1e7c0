import { readFile } from 'node:fs/promises';
import { endProcesses, environmentOf, identify, parentOf, processIds } from '../../host/processes.js';
import type { ProcessIdentity } from '../../model/machine/state-directory.js';
import { parseDerivation } from '../../model/nix/derivation-file.js';
import { BUILDING } from '../../model/nix/log-lines.js';
import { linesOf } from './log.js';
import { readStart, type CommandRecord } from './record.js';

/** Time between SIGTERM and SIGKILL. */
const GRACE_MS = 1000;

/**
 * Ends builders of a record's newest start that live on without their Nix. When Nix is killed (the kernel wants memory,
 * somebody types `kill -9`), a builder without a sandbox goes on, and Nix lets the next start write to the same output
 * at once: the two break each other, and a machine's fault would look like a broken host.
 *
 * Such a builder is known by what Nix gave it: the folder `NIX_BUILD_TOP`, and a path of an output among its variables. One
 * that has a living Nix above it is somebody else's build of the same derivation, and is left alone. Builders of a
 * daemon need none of this: it ends them itself when its client goes.
 */
export async function endOrphanedBuilders(record: CommandRecord): Promise<void> {
  const start = await readStart(record);
  const candidates = start === null ? [] : await orphans();
  if (start === null || candidates.length === 0) return;
  const outputs = new Set<string>();
  for await (const line of linesOf(record.log, start.logOffset)) {
    const begun = BUILDING.exec(line)?.[1];
    if (begun !== undefined) for (const output of await outputsOf(begun)) outputs.add(output);
  }
  const own = candidates.filter(({ values }) => values.some((value) => outputs.has(value)));
  await endProcesses(own, GRACE_MS);
}

interface Orphan extends ProcessIdentity {
  /** Of its environment. */
  readonly values: readonly string[];
}

async function orphans(): Promise<readonly Orphan[]> {
  const found = await Promise.all(
    (await processIds()).map(async (pid) => {
      const environment = await environmentOf(pid);
      const isBuilder = environment.some((variable) => variable.startsWith('NIX_BUILD_TOP='));
      if (!isBuilder || (await hasNixAbove(pid))) return null;
      const identity = await identify(pid);
      const values = environment.map((variable) => variable.slice(variable.indexOf('=') + 1));
      return identity === null ? null : { ...identity, values };
    }),
  );
  return found.filter((each) => each !== null);
}

async function hasNixAbove(pid: number): Promise<boolean> {
  for (let above = await parentOf(pid); above > 1; above = await parentOf(above)) {
    // `nix`, `nix-store`, `nix-daemon`, and what a wrapper makes of them.
    if ((await readFile(`/proc/${above}/comm`, 'utf8').catch(() => '')).includes('nix')) return true;
  }
  return false;
}

async function outputsOf(drv: string): Promise<readonly string[]> {
  try {
    return parseDerivation(await readFile(drv, 'utf8'))
      .outputs.map(({ path }) => path)
      .filter((path) => path !== '');
  } catch {
    // Collected meanwhile, or of a kind that is not known.
    return [];
  }
}
