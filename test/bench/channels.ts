import { createHmac } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createLookAtMain } from '../../activities/git/look-at-main.js';
import { createMoveChannels } from '../../activities/git/move-channels.js';
import { lookOver } from '../../host/caches/look/over-http.js';
import { createFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { serveGit } from '../support/git-http.js';
import { withHttp } from '../support/http.js';
import { openHouse, until } from '../support/lockkeeper.js';
import type { Scope } from '../support/scope.js';
import { withPlace } from '../support/repository.js';
import { seconds, median, type Figure } from './figures.js';

const HOSTS = 300;
const PATHS = 2000;
const BUILD_SECONDS = 5;
const SECRET = 'between-the-forge-and-us';
const TOKEN = 'of-the-bench';

/** From a push to a moved channel, and what it is made of. */
export const channels = async (): Promise<readonly Figure[]> => [
  await pushToChannel(),
  ...(await manyChannels()),
  await manyPaths(),
];

/** A webhook tells of a push; the host is built, uploaded to a folder, looked up there, and its channel moves. */
async function pushToChannel(): Promise<Figure> {
  const house = await openHouse();
  const fleet = await createFleet({ hosts: [{ name: 'athena', seconds: BUILD_SECONDS }] });
  const server = await serveGit(path.dirname(fleet.remote), TOKEN);
  try {
    const repository = `${server.url}/${path.basename(fleet.remote)}`;
    const file = path.join(house.root, 'lockkeeper.toml');
    const [secretFile, tokenFile] = [path.join(house.root, 'secret'), path.join(house.root, 'token')];
    await writeFile(secretFile, SECRET, { mode: 0o600 });
    await writeFile(tokenFile, TOKEN, { mode: 0o600 });
    await writeFile(
      file,
      `[instances.main]\nrepoUrl = "${repository}"\nhttpsTokenFile = "${tokenFile}"\nmode = "verify"\npoll = "1d"\nchannel = "tested-{host}"\n` +
        `caches = [{ to = "file://${path.join(house.root, 'cache')}" }]\n`,
    );
    await house.dev();
    const applied = await house.lockkeeper(['apply', '--config', file]);
    if (applied.exitCode !== 0) throw new Error(applied.stderr);
    const hooks = house.start(['hooks', '--port', '0', '--secret-file', secretFile]);
    await until(() => hooks.output().includes('Listening'), 30_000, hooks.output);
    const url = /http:\S+/.exec(hooks.output())?.[0] ?? '';
    const tested = (commit: string): Promise<void> =>
      until(
        async () => (await fleet.branches())['tested-athena'] === commit,
        120_000,
        () => 'the channel does not move',
      );
    await tested((await fleet.branches()).main ?? '');
    const value = await median(3, async () => {
      // What the run before has still to do.
      await sleep(5000);
      await fleet.moveInput('alpha');
      const commit = await fleet.pushUpdate(['alpha']);
      return await seconds(async () => {
        const body = JSON.stringify({ ref: 'refs/heads/main', repository: { clone_url: repository } });
        const signature = createHmac('sha256', SECRET).update(body).digest('hex');
        const headers = { 'x-gitea-event': 'push', 'x-gitea-signature': signature };
        const { status } = await fetch(url, { method: 'POST', headers, body });
        if (status !== 202) throw new Error(`the webhook was answered ${status}`);
        await tested(commit);
      });
    });
    const detail = `a host that is built in ${BUILD_SECONDS} s, with a file:// cache and a webhook, median of 3`;
    return { name: 'from a push to the moved channel', value, limit: BUILD_SECONDS + 4, unit: ' s', detail };
  } finally {
    await house.close();
    await server.close();
    await fleet.cleanup();
  }
}

/** What the channels of hosts cost that are all built, and what a look costs that finds nothing new. */
async function manyChannels(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  await withPlace(async ({ env, repository, remote, base }) => {
    const activity = new MockActivityEnvironment();
    const named = Array.from({ length: HOSTS }, (_, index) => ({ target: `h${index}`, branch: `tested-h${index}` }));
    const input = { repository, commit: base, template: 'tested-{host}', channels: named };
    const value = await seconds(() => activity.run(() => createMoveChannels(env)(input)));
    const moved = (await git(remote, 'for-each-ref', '--format=%(objectname)', 'refs/heads/tested-*')).split('\n');
    if (moved.filter((commit) => commit === base).length !== HOSTS) throw new Error(`${moved.length} channels moved`);
    figures.push({ name: 'channels made at main', value, limit: 60, unit: ' s', detail: `${HOSTS} hosts` });

    const look = (): Promise<unknown> => activity.run(() => createLookAtMain(env)({ repository, seen: base }));
    await look();
    const worked = await median(5, async () => {
      const before = await workSeconds();
      await look();
      return (await workSeconds()) - before;
    });
    const detail = 'CPU time of the activity and its Git, median of 5';
    figures.push({ name: 'a look at a main that has not moved', value: worked, limit: 0.3, unit: ' s', detail });
  });
  return figures;
}

/** CPU time of this process and its children, which start Git, and of what these have started and seen the end of. */
async function workSeconds(): Promise<number> {
  let ticks = 0;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(pid) !== process.pid && Number(fields[1]) !== process.pid) continue;
    ticks += fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
  }
  return ticks / 100;
}

/** A closure is looked up in a cache of this machine. */
async function manyPaths(): Promise<Figure> {
  const hashOf = (index: number): string => index.toString().padStart(32, '0');
  const infos = Array.from({ length: PATHS }, (_, index) => ({
    path: `/nix/store/${hashOf(index)}-package-${index}`,
    ...{ narHash: `sha256:${'0'.repeat(52)}`, narSize: 100, references: [], signatures: [] },
    ...{ deriver: null, isContentAddressed: false },
  }));
  const ends: (() => Promise<void>)[] = [];
  const scope: Scope = { after: (end) => void ends.push(end) };
  const { url } = await withHttp(scope, (request, response) => {
    const [, hash = ''] = /^\/(\d{32})\.narinfo$/.exec(request.url ?? '') ?? [];
    if (hash === '') response.writeHead(200, { 'content-length': 100 }).end(request.method === 'HEAD' ? undefined : '');
    else
      response.end(
        `StorePath: /nix/store/${hash}-package-${Number(hash)}\nURL: nar/${hash}.nar\nCompression: none\nFileSize: 100\n` +
          `NarHash: sha256:${'0'.repeat(52)}\nNarSize: 100\nReferences: \n`,
      );
  });
  try {
    let found = 0;
    const value = await seconds(async () => {
      found = (await lookOver(url, infos, { headers: {}, signal: new AbortController().signal })).size;
    });
    if (found !== PATHS) throw new Error(`${found} of ${PATHS} paths were found`);
    return { name: 'paths looked up over HTTP', value, limit: 5, unit: ' s', detail: `${PATHS} narinfos and archives` };
  } finally {
    for (const end of ends) await end();
  }
}
