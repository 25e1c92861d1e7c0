import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createAttemptFix } from '../../activities/agent/attempt-fix.js';
import type { AttemptInput, AttemptResult } from '../../model/autofix/attempt.js';
import { agentOptions } from '../support/agent.js';
import { withPlace } from '../support/repository.js';

/** A prompt as they are: a heading first, quotes and dollar signs, and more than one line. */
const PROMPT = '# Fix "athena"\n\nIt says $HOME and `x`.\n';

/**
 * Stand-ins for well-known agents. They take the options of the real ones that are named here, and no others; without a
 * person, they do what the real ones do: edit a file only if they were told that they may.
 */
const AGENTS: Readonly<Record<string, string>> = {
  pir: `
    while [ $# -gt 0 ]; do case $1 in
      -p) prompt=$2; shift 2 ;;
      --model) shift 2 ;;
      *) unknown "$1" ;;
    esac; done
    may=yes`,
  aider: `
    gitignore=yes; update=yes; notes=yes; urls=yes; commits=yes; may=
    while [ $# -gt 0 ]; do case $1 in
      --yes-always) may=yes; shift ;;
      --no-auto-commits) commits=; shift ;;
      --no-gitignore) gitignore=; shift ;;
      --no-check-update) update=; shift ;;
      --no-show-release-notes) notes=; shift ;;
      --no-detect-urls) urls=; shift ;;
      --message-file) prompt=$(cat "$2"; echo .); prompt=\${prompt%.}; shift 2 ;;
      --model) shift 2 ;;
      *) unknown "$1" ;;
    esac; done
    [ -z "$gitignore" ] || echo '.aider*' >> .gitignore
    [ -z "$update$notes$urls$commits" ] || exit 70
    echo "$prompt" > .aider.chat.history.md
    mkdir .aider.tags.cache.v4 && printf 'SQLite\\0' > .aider.tags.cache.v4/cache.db`,
  claude: `
    mode=; print=; set -- "$@" --
    while [ "$1" != -- ]; do case $1 in
      --permission-mode) mode=$2; shift 2 ;;
      --model) shift 2 ;;
      -p) print=yes; shift ;;
      -*) unknown "$1" ;;
      *) prompt=$1; shift ;;
    esac; done
    [ -n "$print" ] || exit 71
    [ "$mode" != acceptEdits ] || may=yes`,
  codex: `
    while [ "$1" != exec ]; do case $1 in
      --model) shift 2 ;;
      *) unknown "$1" ;;
    esac; done
    shift
    sandbox=read-only
    while [ $# -gt 0 ]; do case $1 in
      --sandbox) sandbox=$2; shift 2 ;;
      -*) unknown "$1" ;;
      *) prompt=$1; shift ;;
    esac; done
    [ "$sandbox" != workspace-write ] || may=yes`,
  gemini: `
    mode=default; trusted=
    while [ $# -gt 0 ]; do case $1 in
      --approval-mode) mode=$2; shift 2 ;;
      --skip-trust) trusted=yes; shift ;;
      --model) shift 2 ;;
      -p) prompt=$2; shift 2 ;;
      *) unknown "$1" ;;
    esac; done
    [ -n "$trusted" ] || exit 55
    [ "$mode" != yolo ] || may=yes`,
  opencode: `
    while [ "$1" != run ]; do case $1 in
      --model) shift 2 ;;
      *) unknown "$1" ;;
    esac; done
    shift
    [ $# -eq 1 ] || unknown "$2"
    prompt=$1; may=yes`,
};

const program = (body: string): string => `#!/bin/sh
unknown() { echo "unknown argument: $1" >&2; exit 64; }
prompt=; may=
${body}
printf '%s' "$prompt"
[ -z "$may" ] || echo fixed > NOTES.md
`;

for (const [name, body] of Object.entries(AGENTS)) {
  test(`${name} is started so that it works without a person, and its change is taken`, () =>
    withPlace(async ({ root, env, repository, base }) => {
      const command = path.join(root, name);
      await writeFile(command, program(body));
      await chmod(command, 0o755);
      const input: AttemptInput = {
        run: 'run-1',
        repository,
        candidate: { base, head: base, bundle: '' },
        target: { kind: 'nixos', name: 'athena' },
        attempt: 1,
        agent: agentOptions(command, ['--model', 'small'], {
          rules: { protected: ['.git*'], maxFiles: 5, maxLines: 50 },
        }),
        prompt: PROMPT,
        message: 'fix(athena): work with the updated inputs\n',
        author: { name: 'A', email: 'a@example.org' },
        committer: { name: 'C', email: 'c@example.org' },
        date: 1_790_000_000,
        takeoverSeconds: 60,
      };
      const activity = createAttemptFix(env);
      const result = await new MockActivityEnvironment().run<[AttemptInput], AttemptResult, typeof activity>(
        activity,
        input,
      );
      const said = await readFile(result.logPath, 'utf8');
      assert.equal(result.kind, 'proposed', `${result.reason ?? ''}\n${said}`);
      assert.deepEqual(result.files, ['NOTES.md']);
      assert.equal(said, PROMPT);
    }));
}
