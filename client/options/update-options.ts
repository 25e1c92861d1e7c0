import { transportOf } from '../../model/config/options/credentials.js';
import { flagOf } from '../../model/config/options/index.js';
import { runOptionsOf } from '../../model/config/run-options.js';
import { COMPARE_INSTANCE, UPDATE_INSTANCE, VERIFY_INSTANCE } from '../../model/run/ids.js';
import type { RunOptions } from '../../model/run/options.js';
import { resolveComparison } from '../flake/comparison.js';
import { resolveFlake } from '../flake/flake.js';
import type { Asked } from './flags.js';
import { checkNamedFile, namedFiles } from './named-files.js';

/** What a run is asked to do, from what a person typed: an instance without a name, whose repository is FLAKE. */
export async function updateOptions(flake: string, { options, given }: Asked): Promise<RunOptions> {
  for (const file of namedFiles(options)) await checkNamedFile(file, flagOf(file.option));
  const search = {
    remote: options.gitRemote,
    main: given.has('mainBranch') ? options.mainBranch : null,
    transport: transportOf(options),
  };
  if (options.skipUpdate) {
    const { repository, compares } = await resolveComparison(flake, search, options.against);
    return runOptionsOf({ name: COMPARE_INSTANCE, ...options }, repository, { compares });
  }
  const repository = await resolveFlake(flake, search);
  const name = options.mode === 'verify' ? VERIFY_INSTANCE : UPDATE_INSTANCE;
  return runOptionsOf({ name, ...options }, repository);
}
