import assert from 'node:assert/strict';
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { canSandbox } from '../../activities/sandbox/sandbox.js';
import { createAttemptFix } from '../../activities/agent/attempt-fix.js';
import { listRecords, readIdentity } from '../../activities/supervised/record.js';
import { descendants } from '../../host/processes.js';
import type { AttemptInput, AttemptResult } from '../../model/autofix/attempt.js';
import type { AutofixOptions } from '../../model/run/options.js';
import type { ProcessIdentity } from '../../model/machine/state-directory.js';
import { attemptInput, LEFT_ASLEEP } from '../support/agent.js';
import { commitFiles, git } from '../support/git.js';
import { until } from '../support/lockkeeper.js';
import { processesNamed } from '../support/processes.js';
import { withPlace } from '../support/repository.js';
import type { Place } from '../support/repository.js';
import { withStandIn } from '../support/stand-in.js';

const sandbox = await canSandbox();

const attempt = (
  place: Place,
  input: AttemptInput,
  environment = new MockActivityEnvironment(),
): Promise<AttemptResult> => {
  const activity = createAttemptFix(place.env);
  return environment.run<[AttemptInput], AttemptResult, typeof activity>(activity, input);
};

/** What an agent that behaves so leaves, and what it said. */
const attempted = async (
  behaviour: readonly string[],
  use: (result: AttemptResult, log: string, place: Place, input: AttemptInput) => Promise<void> | void,
  change: (place: Place) => Promise<Partial<AutofixOptions>> = () => Promise.resolve({}),
): Promise<void> =>
  withPlace(async (place) => {
    const input = await attemptInput(place, behaviour, await change(place));
    const result = await attempt(place, input);
    await use(result, await readFile(result.logPath, 'utf8'), place, input);
  });

test('what an agent changes becomes one commit, the same each time, whatever it commits itself', () =>
  attempted(['say-prompt', 'keep-prompt', 'note', 'commit'], async (result, log, place, input) => {
    assert.equal(result.kind, 'proposed', result.reason ?? '');
    assert.deepEqual(result.files, ['MINE.md', 'NOTES.md']);
    assert.match(log, /^Fix athena\.\n/);
    assert.match(log, /same prompt/);
    assert.match(result.patch, /\+noted/);
    assert.equal(result.sandboxed, sandbox);
    const again = await attempt(place, { ...input, attempt: 2 });
    assert.equal(again.candidate?.head, result.candidate?.head);
    assert.notEqual(result.candidate?.head, place.base);
    // Judged once: the agent does not work again.
    assert.deepEqual(await attempt(place, input), result);
  }));

for (const [behaviour, kind, reason] of [
  [['nothing'], 'unchanged', /^changes nothing$/],
  [['fail'], 'unchanged', /^changes nothing \(it ended with status 3\)$/],
  [['lock'], 'refused', /^touches flake\.lock, which is what is being verified$/],
  [['note', 'secrets'], 'refused', /^touches secrets\/wifi \(protected by secrets\/\*\*\)$/],
  [['link'], 'refused', /^holds a link that leaves the repository: users$/],
  [['repository'], 'refused', /^holds a Git repository of its own: sub\/\.git$/],
  [['flake-link'], 'refused', /^changes the mode or the kind of flake\.nix/],
  [['attributes', 'binary'], 'refused', /^touches \.gitattributes, which Git would use to judge the change$/],
  [['ignore', 'note'], 'refused', /^touches \.gitignore, sub\/\.gitignore, which Git would use to judge the change$/],
  [['inputs'], 'refused', /^changes the inputs or the nixConfig in flake\.nix/],
  [['nix-config'], 'refused', /^changes the inputs or the nixConfig in flake\.nix/],
] as const) {
  test(`an agent's change is judged: ${behaviour.join(', ')}`, () =>
    attempted(behaviour, (result) => {
      assert.equal(result.kind, kind, result.reason ?? '');
      assert.match(result.reason ?? '', reason);
      assert.equal(result.candidate, null);
    }));
}

test('caches of tools that ignore themselves are no part of a change where the repository ignores them, and only there', () =>
  withPlace(async (place) => {
    const base = await commitFiles(place.checkout, { '.gitignore': '.cache/\n' }, 'Ignore caches');
    await git(place.checkout, 'push', '--quiet', 'origin', 'main');
    for (const [number, behaviour, kind, reason] of [
      [1, 'cache', 'proposed', /^$/],
      [2, 'other-cache', 'refused', /^touches other\/\.gitignore, which Git would use to judge the change$/],
    ] as const) {
      const result = await attempt(place, {
        ...(await attemptInput({ ...place, base }, [behaviour])),
        attempt: number,
      });
      assert.equal(result.kind, kind, result.reason ?? '');
      assert.match(result.reason ?? '', reason);
    }
  }));

test('where flake.nix and flake.lock are links, what they lead to is judged, and they stay as they are', () =>
  withPlace(async (place) => {
    const { checkout } = place;
    await mkdir(path.join(checkout, 'nix'));
    for (const [name, inner] of [
      ['flake.nix', 'nix/flake.nix'],
      ['flake.lock', 'nix/shared.lock'],
    ] as const) {
      await rename(path.join(checkout, name), path.join(checkout, inner));
      await symlink(inner, path.join(checkout, name));
    }
    const base = await commitFiles(checkout, {}, 'Links');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    let number = 0;
    for (const [behaviour, kind, reason] of [
      ['inner-note', 'proposed', /^$/],
      ['inner-inputs', 'refused', /^changes the inputs or the nixConfig in flake\.nix/],
      ['inner-lock', 'refused', /^touches nix\/shared\.lock, which is what is being verified$/],
      ['retarget', 'refused', /^changes the mode or the kind of flake\.nix/],
    ] as const) {
      number += 1;
      const result = await attempt(place, {
        ...(await attemptInput({ ...place, base }, [behaviour])),
        attempt: number,
      });
      assert.equal(result.kind, kind, result.reason ?? '');
      assert.match(result.reason ?? '', reason);
    }
  }));

test('an agent gets PATH, a home of its own, the locale and its own variables, and nothing else of the worker', () => {
  process.env.GITHUB_TOKEN = 'not-for-agents';
  return attempted(
    ['environment'],
    (_, log) => {
      const names = log.split('\n').flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
      assert.ok(names.includes('AGENT_MODEL'));
      const usual =
        /^(?:PATH|HOME|TMPDIR|LANG|LANGUAGE|LC_.*|TZ|PWD|OLDPWD|SHLVL|_|NIX_REMOTE|NIX_CONFIG|AGENT_.*|LOCKKEEPER_ATTEMPT)$/;
      assert.deepEqual(
        names.filter((name) => !usual.test(name)),
        [],
      );
    },
    async ({ root }) => {
      const envFile = path.join(root, 'agent.env');
      await writeFile(envFile, 'AGENT_MODEL="small one"\n', { mode: 0o600 });
      return { envFile };
    },
  );
});

const SECRET = 'sk-0123456789abcdef-secret';
const withSecret = async ({ root }: Place): Promise<Partial<AutofixOptions>> => {
  const envFile = path.join(root, 'agent.env');
  await writeFile(envFile, `AGENT_TOKEN='${SECRET}'\n`, { mode: 0o600 });
  return { envFile };
};

test('a secret that an agent prints is in no log, and one that it writes is refused', async () => {
  await attempted(
    ['print-secret'],
    (result, log) => {
      assert.equal(log, 'the token is [secret]\n');
      assert.equal(result.kind, 'unchanged');
    },
    withSecret,
  );
  await attempted(
    ['write-secret'],
    (result) => {
      assert.equal(result.kind, 'refused');
      assert.match(result.reason ?? '', /^writes a value of the variables that the agent was given: token\.nix$/);
      assert.ok(!JSON.stringify(result).includes(SECRET), 'nor in what is told of it');
    },
    withSecret,
  );
});

test('a secret in the name of a file is refused as one in a file, and shown nowhere', async () => {
  const secret = 'a-long-token-of-the-agent';
  await attempted(
    ['secret-name'],
    (result) => {
      assert.equal(result.kind, 'refused');
      assert.match(
        result.reason ?? '',
        /^writes a value of the variables that the agent was given: hosts-\[secret\]\.nix$/,
      );
      assert.ok(!JSON.stringify(result).includes(secret), JSON.stringify(result));
    },
    async (place) => {
      const envFile = path.join(place.root, 'agent.env');
      await writeFile(envFile, `AGENT_TOKEN=${secret}\n`, { mode: 0o600 });
      return { envFile };
    },
  );
});

test('an agent that cannot be started says why', async () => {
  await attempted(
    ['nothing'],
    ({ kind, reason }) => {
      assert.equal(kind, 'unusable');
      assert.match(reason ?? '', /^could not be started: there is no command no-such-agent on the PATH of the worker$/);
    },
    () => Promise.resolve({ command: 'no-such-agent' }),
  );
  await attempted(
    ['nothing'],
    ({ kind, reason }) => {
      assert.equal(kind, 'unusable');
      assert.match(reason ?? '', /agent\.env, holds something else than NAME=value in line 2$/);
    },
    async ({ root }) => {
      await writeFile(path.join(root, 'agent.env'), 'A=1\nexport B\n');
      return { envFile: path.join(root, 'agent.env') };
    },
  );
});

test('an agent that hangs is ended at its limit, one that floods at the limit of its output', async () => {
  await attempted(
    ['hang'],
    ({ kind, reason }) => {
      assert.equal(kind, 'timed-out');
      assert.equal(reason, 'did not finish within 2 s');
    },
    () => Promise.resolve({ timeoutSeconds: 2 }),
  );
  await attempted(['flood'], ({ kind, reason }, log) => {
    assert.equal(kind, 'timed-out');
    assert.match(reason ?? '', /said more than 16 MiB/);
    assert.ok(log.length < 17 * 1024 * 1024, `the log has ${log.length} bytes`);
    assert.match(log.slice(-200), /the agent has said more than/);
  });
});

test('what an agent leaves running is ended with it', () =>
  attempted(['leave'], async (result) => {
    assert.equal(result.kind, 'proposed', result.reason ?? '');
    assert.deepEqual(await processesNamed('sleep', LEFT_ASLEEP), []);
  }));

test('without a sandbox an agent works only if the owner lets it, says so, and never as root', () =>
  // As where the kernel allows no namespaces.
  withStandIn('bwrap', 'exit 1', () =>
    withPlace(async (place) => {
      const without = await attempt(place, await attemptInput(place, ['note'], { network: 'outside' }));
      assert.equal(without.kind, 'unusable');
      assert.match(without.reason ?? '', /install bubblewrap/);
      const input = await attemptInput(place, ['leave'], { network: 'host' });
      const result = await attempt(place, { ...input, attempt: 2 });
      if (process.getuid?.() === 0) {
        assert.equal(result.kind, 'unusable');
        assert.match(result.reason ?? '', /the worker is root.*or run the worker as another user/);
        return;
      }
      assert.equal(result.kind, 'proposed', result.reason ?? '');
      assert.equal(result.sandboxed, false);
      assert.deepEqual(await processesNamed('sleep', LEFT_ASLEEP), []);
    }),
  ));

test('what an agent is lent of the home of the worker’s user it can read, and no more', async (context) => {
  if (!sandbox) {
    context.skip('bubblewrap is missing, or may not make namespaces here');
    return;
  }
  const { HOME } = process.env;
  try {
    await withPlace(async (place) => {
      process.env.HOME = path.join(place.root, 'home');
      await mkdir(path.join(process.env.HOME, '.agent'), { recursive: true });
      for (const file of ['.agent/token', 'diary']) await writeFile(path.join(process.env.HOME, file), `${file}\n`);
      const input = await attemptInput(place, ['home:.agent/token', 'home:diary'], { homePaths: ['.agent'] });
      const { logPath } = await attempt(place, input);
      assert.match(await readFile(logPath, 'utf8'), /^\.agent\/token\nread-only\ncat: .*diary: No such file/);
    });
  } finally {
    process.env.HOME = HOME;
  }
});

const commandLine = (pid: number): Promise<string> => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');

test('an agent that was killed with its supervisor begins again, as the same attempt and in a fresh folder', () =>
  withPlace(async (place) => {
    const input = await attemptInput(place, ['note', 'wait']);
    const running = attempt(place, input);
    const record = await started(place);
    // Whoever kills everything: the kernel that wants memory, or a machine that goes down.
    for (const { pid } of [record, ...(await descendants(record.pid))]) kill(pid);
    const again = await started(place, record.pid);
    await writeFile(path.join(again.folder, 'tmp', 'go'), '');
    const result = await running;
    assert.equal(result.kind, 'proposed', result.reason ?? '');
    assert.match(result.patch, /^\+noted$/m);
    assert.ok(!result.patch.includes('+noted\n+noted'), 'once');
    assert.match(await readFile(result.logPath, 'utf8'), /the agent starts again/);
  }));

test('an agent whose own supervisor failed begins again when its activity is tried again', () =>
  withPlace(async (place) => {
    const input = await attemptInput(place, ['note', 'wait']);
    const running = attempt(place, input);
    const record = await started(place);
    const failed = assert.rejects(running, /process that runs the agent ended with status 137/);
    for (const { pid } of await descendants(record.pid))
      if ((await commandLine(pid)).includes('agent-process.js')) kill(pid);
    await failed;
    const retried = attempt(place, input);
    const again = await started(place, record.pid);
    await writeFile(path.join(again.folder, 'tmp', 'go'), '');
    const { kind, patch } = await retried;
    assert.equal(kind, 'proposed');
    assert.ok(!patch.includes('+noted\n+noted'), 'in a fresh folder');
  }));

/** With the first process of a sandbox all others in it go. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
  }
}

/** The supervisor of the attempt, other than one that is known, once its agent waits. */
async function started(place: Place, known = 0): Promise<ProcessIdentity & { readonly folder: string }> {
  let found: (ProcessIdentity & { readonly folder: string }) | undefined;
  await until(async () => {
    for (const { record } of await listRecords(place.env.state)) {
      const identity = await readIdentity(record);
      const log = await readFile(record.log, 'utf8').catch(() => '');
      const waits = log.split('starts again').at(-1)?.includes('it waits') === true;
      if (identity !== null && identity.pid !== known && waits) found = { ...identity, folder: record.directory };
    }
    return found !== undefined;
  }, 30_000);
  if (found === undefined) throw new Error('no agent was started');
  return found;
}

test('an agent has no remote to push to, and cannot reach the real one in its sandbox', () =>
  attempted(['push', 'note'], async (result, log, place) => {
    assert.match(log, /'origin' does not appear to be a git repository/);
    assert.equal(result.kind, 'proposed');
    assert.equal(await git(place.remote, 'rev-parse', 'main'), place.base);
  }));

test('settings that an agent leaves in its repository run nothing in the worker', () =>
  attempted(['filter'], async (result, log) => {
    assert.equal(result.kind, 'proposed', result.reason ?? '');
    await assert.rejects(readFile(path.join(path.dirname(result.logPath), 'ran')), /ENOENT/);
    assert.equal(log, '');
  }));

test('a folder of the PATH that holds the state is seen without it, and an agent can write all the same', async (context) => {
  if (!sandbox) {
    context.skip('bubblewrap is missing, or may not make namespaces here');
    return;
  }
  const { PATH } = process.env;
  try {
    await withPlace(async (place) => {
      process.env.PATH = `${place.root}:${PATH ?? ''}`;
      await mkdir(place.env.state.reports, { recursive: true });
      const result = await attempt(place, await attemptInput(place, [`see:${place.env.state.reports}`, 'note']));
      assert.equal(result.kind, 'proposed', result.reason ?? '');
      assert.match(await readFile(result.logPath, 'utf8'), /^does not see /);
    });
  } finally {
    process.env.PATH = PATH;
  }
});

test('in its sandbox an agent sees no home, no state and no token, and writes to its own folders alone', async (context) => {
  if (!sandbox) {
    context.skip('bubblewrap is missing, or may not make namespaces here');
    return;
  }
  await withPlace(async (place) => {
    const token = path.join(place.root, 'token');
    await writeFile(token, 'a token\n');
    await mkdir(place.env.state.reports, { recursive: true });
    const hidden = [place.env.state.reports, place.remote, token, path.join(homedir(), '.gitconfig'), '/run/user/0'];
    const behaviour = [...hidden, '/nix/store'].map((each) => `see:${each}`);
    const result = await attempt(place, await attemptInput(place, [...behaviour, 'write:/usr', 'write:.', 'nix']));
    const log = await readFile(result.logPath, 'utf8');
    for (const each of hidden) assert.ok(log.includes(`does not see ${each}\n`), log);
    assert.match(log, /^sees \/nix\/store$/m);
    assert.match(log, /^cannot write to \/usr$/m);
    assert.match(log, /^wrote to \.$/m);
    assert.match(log, /^nix gives 2$/m);
    assert.match(log, /-x\.drv$/m);
  });
});
