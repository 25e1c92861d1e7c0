import type { ApplicationFailure } from '@temporalio/common';
import { finalFailure } from '../../model/run/failures.js';
import { stripControl, truncate } from '../../model/text/text.js';
import { run } from '../command/process.js';
import { atLeast, parseNixVersion, type NixVersion } from '../../model/nix/version.js';
import { nixEnvironment } from '../../host/nix/environment.js';

/** The oldest Nix that this was tried on. */
const OLDEST = { major: 2, minor: 8 };

let probed: Promise<NixVersion> | undefined;

/**
 * The Nix on the PATH, asked once a process; after a failure the next call asks again, so that a Nix which was installed
 * meanwhile is found.
 * @throws `NixUnusable` when there is none, or it is too old
 */
export function nixVersion(): Promise<NixVersion> {
  probed ??= probe().catch((error: unknown) => {
    probed = undefined;
    throw error;
  });
  return probed;
}

async function probe(): Promise<NixVersion> {
  const finished = await run('nix', ['--version'], { env: nixEnvironment(), timeoutMs: 20_000 });
  if (finished.notFound) throw nixUnusable('there is no `nix` on the PATH of the worker; install Nix 2.8 or newer');
  const version = parseNixVersion(finished.stdout);
  if (version === null) {
    const said = truncate(stripControl(finished.stdout + finished.stderr).trim(), 300);
    throw nixUnusable(`\`nix --version\` did not name a version: ${said}`);
  }
  if (!atLeast(version, OLDEST.major, OLDEST.minor)) {
    throw nixUnusable(`${version.text} is too old; install Nix ${OLDEST.major}.${OLDEST.minor} or newer`);
  }
  return version;
}

export const nixUnusable = (why: string): ApplicationFailure =>
  finalFailure('NixUnusable', `Nix cannot be used: ${why}.`);
