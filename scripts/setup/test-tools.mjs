import path from 'node:path';
import { ROOT, TOOLS, isProgram, lastLines, onPath, run, say, versionOf, warn } from './steps.mjs';
import { aptInstall } from './system-packages.mjs';

/** What only tests use. Each is got once; tests skip by name what is not there (`test/support/tools.ts`). */
const OPTIONAL = [
  {
    name: 'Nix (trixie)',
    script: 'get-nix',
    args: ['trixie'],
    folder: 'nix-trixie',
    program: 'bin/nix',
    tests: 'Nix 2.26',
  },
  { name: 'Nix (sid)', script: 'get-nix', args: ['sid'], folder: 'nix-sid', program: 'bin/nix', tests: 'Nix 2.34' },
  { name: 'ntfy', script: 'get-ntfy', args: [], folder: 'ntfy', program: 'ntfy', tests: 'a real ntfy server' },
  { name: 'moto', script: 'get-moto', args: [], folder: 'moto', program: 'bin/moto_server', tests: 'a server of S3' },
  { name: 'dix', script: 'get-dix', args: [], folder: 'dix', program: 'bin/dix', tests: 'another differ of closures' },
  { name: 'Gitea', script: 'get-gitea', args: [], folder: 'gitea', program: 'gitea', tests: 'a real Gitea server' },
];

/** Never fails: a test tool that cannot be had is a warning that names what will not be tested. */
export async function testTools() {
  for (const [program, owner, without] of SYSTEM) await fromSystem(program, owner, without);
  // Gitea is built, which takes minutes: the others are downloaded meanwhile.
  await Promise.all(OPTIONAL.map(get));
}

async function get(tool) {
  const folder = path.join(TOOLS, tool.folder);
  const program = path.join(folder, tool.program);
  if (await isProgram(program)) {
    say(tool.name, program);
    return;
  }
  warn(`getting ${tool.name} for the tests …`);
  const { status, output } = await run(path.join(ROOT, 'scripts', tool.script), [...tool.args, folder]);
  if (status === 0 && (await isProgram(program))) say(tool.name, `${(await versionOf(program)) ?? program}, installed`);
  else say(tool.name, `WARNING: could not be had, so nothing is tested with ${tool.tests}: ${lastLines(output, 2)}`);
}

/** Programs of the distribution that only tests use: program, package, and what is not tested without it. */
const SYSTEM = [
  ['bwrap', 'bubblewrap', 'no sandbox of agents'],
  ['slirp4netns', 'slirp4netns', 'no network of agents'],
  ['ip', 'iproute2', 'no network of agents'],
];

async function fromSystem(program, owner, without) {
  const reason = (await onPath(program)) === null ? await aptInstall([owner]) : null;
  const found = await onPath(program);
  if (found !== null) say(owner, found);
  else say(owner, `WARNING: could not be had, so ${without} is tested: ${reason ?? `no ${program}`}`);
}
