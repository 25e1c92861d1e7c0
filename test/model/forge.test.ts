import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkForgeUrl, forgeAddress, type ToldForge } from '../../model/forge/address.js';
import { forgeOf } from '../../model/config/options/forge.js';
import { forges } from '../../model/forge/index.js';
import { mergingWords, otherBaseWords } from '../../model/forge/merging.js';
import { readMark, requestBody, requestTitle, withClosedMark, writeMark } from '../../model/report/forge/request.js';
import { statusesOf } from '../../model/report/forge/statuses.js';
import type { ReportedInput } from '../../model/report/data.js';
import { exampleReport, exampleTarget } from '../support/report.js';
import { repositoryAt } from '../support/repository.js';

const NOTHING: ToldForge = { kind: null, url: null };
const at = (url: string, told: Partial<ToldForge> = {}): string => {
  const { kind, url: found, repository } = forgeAddress({ ...NOTHING, ...told }, repositoryAt(url));
  return `${kind} ${found} ${repository}`;
};

test('a forge is told by the remote, as far as that tells', () => {
  assert.equal(at('https://codeberg.org/me/fleet.git'), 'gitea https://codeberg.org me/fleet');
  assert.equal(at('git@codeberg.org:me/fleet.git'), 'gitea https://codeberg.org me/fleet');
  assert.equal(at('ssh://git@forgejo.example:2222/me/fleet'), 'gitea https://forgejo.example me/fleet');
  assert.equal(
    at('https://git.example.org:8443/forge/me/fleet', { kind: 'gitea' }),
    'gitea https://git.example.org:8443/forge me/fleet',
  );
  assert.equal(
    at('work:me/fleet.git', { kind: 'gitea', url: 'https://git.example.org' }),
    'gitea https://git.example.org me/fleet',
  );
  assert.equal(at('https://github.com/me/fleet'), 'github https://github.com me/fleet');
  assert.equal(at('git@github.example.org:me/fleet.git'), 'github https://github.example.org me/fleet');
  assert.equal(at('https://acme.ghe.com/me/fleet'), 'github https://acme.ghe.com me/fleet');
  assert.equal(at('git@gitlab.com:group/sub/fleet.git'), 'gitlab https://gitlab.com group/sub/fleet');
  assert.equal(
    at('https://git.example.org/lab/group/sub/fleet', { kind: 'gitlab', url: 'https://git.example.org/lab' }),
    'gitlab https://git.example.org/lab group/sub/fleet',
  );
  assert.equal(
    at('git@git.example.org:group/sub/fleet.git', { kind: 'gitlab', url: 'https://git.example.org/lab' }),
    'gitlab https://git.example.org/lab group/sub/fleet',
  );
  for (const [url, told, message] of [
    ['https://git.example.org/me/fleet', {}, /needs to know what git\.example\.org is: give forge\.kind/],
    ['https://git.sr.ht/~me/fleet', {}, /is not there for sourcehut yet/],
    ['https://github.com/a/b/c', { url: 'http://x' }, /unencrypted/],
    ['https://gitlab.com/fleet', {}, /ends in OWNER\/NAME/],
    ['https://gitlab.com/a/../fleet', {}, /ends in OWNER\/NAME/],
    ['/srv/fleet.git', {}, /does not tell: give its address with forge\.url/],
    ['https://codeberg.org/fleet', {}, /ends in OWNER\/NAME/],
    ['https://codeberg.org/../fleet', {}, /ends in OWNER\/NAME/],
    ['http://git.example.org/me/fleet', { kind: 'gitea' }, /unencrypted: give an https address/],
  ] as const)
    assert.throws(() => at(url, told), { name: 'BadInput', message });
});

test('each forge has its API where it says, and reads commands in no text of ours', () => {
  const api = (kind: 'gitea' | 'github' | 'gitlab', url: string, repository: string): string =>
    `${forges[kind].api(url)}${forges[kind].repositoryPath(repository)}`;
  assert.equal(api('github', 'https://github.com', 'me/fleet'), 'https://api.github.com/repos/me/fleet');
  assert.equal(api('github', 'https://acme.ghe.com', 'me/fleet'), 'https://api.acme.ghe.com/repos/me/fleet');
  assert.equal(api('github', 'https://github.example', 'me/fleet'), 'https://github.example/api/v3/repos/me/fleet');
  assert.equal(api('gitlab', 'https://x.example/lab', 'a/b/c'), 'https://x.example/lab/api/v4/projects/a%2Fb%2Fc');
  assert.equal(api('gitea', 'https://x.example/git', 'a/b'), 'https://x.example/git/api/v1/repos/a/b');
  const text = 'a\n/close\n> /approve\n/nix/store/x\n/merge now /x\n\u2028/close';
  assert.equal(
    forges.gitlab.harmless(text).replaceAll('\u200B', '_'),
    'a\n_/close\n> _/approve\n/nix/store/x\n_/merge now /x\n\u2028_/close',
  );
});

test('a token travels unencrypted on this machine alone', () => {
  for (const url of ['http://127.0.0.1:3000', 'http://localhost', 'http://[::1]:3000'])
    assert.equal(checkForgeUrl(url, 'forge.url'), url);
  for (const url of [
    'http://git.example.org',
    'http://127.0.0.1.example.org',
    'http://localhost.example.org',
    'ftp://x',
  ])
    assert.throws(() => checkForgeUrl(url, 'forge.url'), { name: 'BadInput' });
});

const MARK = { run: 'a b-->', commit: 'c'.repeat(40), lock: 'd'.repeat(40), closedBy: null };

test('a request’s mark is the last one in its text, and says which run closed it', () => {
  const quoted = writeMark({ ...MARK, run: 'in a log' });
  const text = `report\n${quoted}\n\n${writeMark(MARK)}\r\n`;
  assert.deepEqual(readMark(text), MARK);
  assert.deepEqual(readMark(withClosedMark(text, 'night')), { ...MARK, closedBy: 'night' });
  assert.equal(readMark(`see ${quoted}`), null);
  assert.equal(withClosedMark('by hand', 'night'), 'by hand');
});

test('a title names what moves and calls nobody', () => {
  const [example] = exampleReport().inputs;
  assert.ok(example !== undefined);
  const input = (name: string): ReportedInput => ({ ...example, name });
  const title = (...names: readonly string[]) => requestTitle({ ...exampleReport(), inputs: names.map(input) });
  assert.equal(title('a', 'b'), 'chore(flake): update a, b');
  assert.equal(title('a', 'b', 'c', 'd', 'e'), 'chore(flake): update a, b, c and 2 more');
  assert.equal(title('@ann', 'x#12\ny'), 'chore(flake): update @ ann, x# 12 y');
  assert.ok(Buffer.byteLength(title('x'.repeat(500), 'y'.repeat(500))) <= 200);
});

test('teams are asked for reviews where the forge has them, and they are those of the owner', () => {
  const forge = { kind: null, url: null, tokenFile: '/t', appId: null, appKeyFile: null };
  const landing = { land: 'pull-request' as const, branch: 'bot/x', merge: 'never' as const };
  const options = { ...landing, reviewers: ['ann', 'me/Night'], httpsTokenFile: null, forge };
  const at = (host: string) => forgeOf(options, repositoryAt(`https://${host}/Me/fleet.git`));
  assert.equal(at('github.com').forge?.kind, 'github');
  assert.throws(() => at('gitlab.com'), /reviewers "me\/Night" is a team, which GitLab cannot ask: name accounts\./);
  const others = repositoryAt('https://codeberg.org/you/fleet.git');
  assert.throws(() => forgeOf(options, others), /"me\/Night" is not a team of you, which owns the repository/);
});

test('a request says how to take and to see the update, and which others stay; only the report is cut', () => {
  const text = {
    report: {
      ...exampleReport(),
      landed: { mode: 'pull-request' as const, ref: 'bot/x', commit: MARK.commit },
    },
    repository: { mainBranch: 'main', dir: 'nix' },
    ...{ branch: 'bot/x', commit: MARK.commit, lock: null, merge: 'self' as const, asks: true, again: false },
    reference: (number: number) => `!${number}`,
    leftAlone: [{ branch: 'bot/y', reason: 'holds an update of the instance @all <b>', number: 3 }],
    ...{ limit: 20_000, replaces: null, page: null },
  };
  const body = requestBody(text);
  assert.match(body, /^## ✔ Proposed\n/);
  assert.ok(body.includes(`git fetch origin bot/x && git push origin ${MARK.commit}:main`), body);
  assert.match(body, new RegExp(`or the comment \`/approve ${MARK.commit}\`\\. Lockkeeper merges it as soon as`));
  assert.match(body, /nix build '\.\/nix#nixosConfigurations\.\w+\.config\.system\.build\.toplevel'/);
  assert.ok(
    body.includes('!3 stays as it is: its branch holds an update of the instance @&#8203;all &lt;b&gt;.'),
    body,
  );
  assert.deepEqual(readMark(body), { ...MARK, run: exampleReport().run, lock: '' });

  assert.match(
    requestBody({ ...text, again: true }),
    /\n- A run waits for an approval again, because this is no longer the update that was approved: merging the request is one/,
  );
  const linked = requestBody({ ...text, replaces: 2, page: 'https://fleet.example.org/runs/x.html' });
  assert.match(
    linked,
    /\n!2 was closed: this is another `flake\.lock`\.\n\nThe whole report: <https:\/\/fleet\.example\.org\/runs\/x\.html>\n/,
  );

  const targets = Array.from({ length: 1000 }, (_, index) => exampleTarget(index === 0 ? 'alpha' : `host${index}`));
  const large = requestBody({ ...text, report: { ...text.report, targets } });
  assert.ok(Buffer.byteLength(large) <= text.limit);
  assert.match(large, /\n\nand \d+ more hosts\n/);
  assert.equal(large.slice(large.indexOf('### What to do')), body.slice(body.indexOf('### What to do')));
});

test('of a thousand targets the broken ones have statuses, and the sum', () => {
  const report = exampleReport();
  const [target] = report.targets;
  assert.ok(target !== undefined);
  const targets = Array.from({ length: 1000 }, (_, index) => ({
    ...target,
    name: `${'host'.repeat(40)}-${index}`,
    required: true,
    verdict: index % 400 === 1 ? ('build-failed' as const) : ('built' as const),
  }));
  const broken = targets.filter(({ verdict }) => verdict !== 'built').map(({ name }) => name);
  const all = statusesOf({ ...report, targets, brokenOnBase: [] });
  assert.deepEqual(
    all.map(({ state }) => state),
    ['failure', ...broken.map(() => 'failure')],
  );
  assert.match(all[0]?.description ?? '', /997 of 1000 hosts built/);
  const pending = targets.map(({ name }) => name);
  assert.deepEqual(
    statusesOf({ ...report, targets, brokenOnBase: [] }, pending).map(({ context, state }) => `${context} ${state}`),
    ['lockkeeper pending'],
    'no status is left pending that the end does not set',
  );
  const before = statusesOf({ ...report, targets, brokenOnBase: broken });
  assert.equal(before[0]?.state, 'success');
  assert.equal(before[1]?.description, 'build failed (broken before)');
});

test('what was merged is told to be something else where it is, and where it was merged', () => {
  const commit = 'c'.repeat(40);
  assert.equal(mergingWords(7, { commit, asVerified: true }), 'by merging pull request #7');
  assert.equal(mergingWords(7, { commit, asVerified: null }), 'by merging pull request #7');
  assert.match(mergingWords(7, { commit, asVerified: false }), /#7, as commit c{12}, which holds more than what was/);
  assert.equal(otherBaseWords('release'), 'somebody has changed its base to branch release');
  assert.match(otherBaseWords('release', { by: 'ann', commit }), /, and ann has merged it there, as commit c{12}$/);
});
