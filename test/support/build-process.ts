/** A worker's part in one build, as a process that tests kill: `build-process.js STATE_DIRECTORY INPUT_JSON`. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createBuildTarget } from '../../activities/nix/build/build-target.js';
import type { BuildTargetInput } from '../../model/contract/verification.js';
import { stateDirectory } from '../../model/machine/state-directory.js';

const [root = '', input = ''] = process.argv.slice(2);
const env = { state: stateDirectory(root), machine: 'test-machine', hostName: 'test-host' };
await new MockActivityEnvironment().run(createBuildTarget(env), JSON.parse(input) as BuildTargetInput);
