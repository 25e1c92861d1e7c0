import { transportOf } from '../../model/config/options/credentials.js';
import { flagOf } from '../../model/config/options/index.js';
import { runOptionsOf } from '../../model/config/run-options.js';
import { UPDATE_INSTANCE, VERIFY_INSTANCE } from '../../model/run/ids.js';
import type { RunOptions } from '../../model/run/options.js';
import { resolveFlake } from '../flake/flake.js';
import type { Asked } from './flags.js';
import { checkNamedFile, namedFiles } from './named-files.js';

/** What a run is asked to do, from what a person typed: an instance without a name, whose repository is FLAKE. */
export async function updateOptions(flake: string, { options, given }: Asked): Promise<RunOptions> {
  for (const file of namedFiles(options)) await checkNamedFile(file, flagOf(file.option));
  const repository = await resolveFlake(flake, {
    remote: options.gitRemote,
    main: given.has('mainBranch') ? options.mainBranch : null,
    transport: transportOf(options),
  });
  const name = options.mode === 'verify' ? VERIFY_INSTANCE : UPDATE_INSTANCE;
  return runOptionsOf({ name, ...options }, repository);
}
