import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AttemptInput } from '../../model/autofix/attempt.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { WholeAgent } from '../../model/run/earlier.js';
import type { AutofixOptions } from '../../model/run/options.js';
import { commitFiles, git } from './git.js';
import { sleepOfOurOwn } from './processes.js';
import type { Place } from './repository.js';

/** How long what the behaviour `leave` leaves running sleeps. */
export const LEFT_ASLEEP = sleepOfOurOwn(601);

/**
 * A program behind the command line of a coding agent: `AGENT BEHAVIOUR… -p PROMPT`. It works in the current folder, as an
 * agent does; each of its first arguments says one thing to do.
 */
const PROGRAM = `#!/bin/sh
set -u
for prompt; do :; done
while [ "$1" != -p ]; do
  case $1 in
    say-prompt) printf '%s\\n' "$prompt" ;;
    keep-prompt) cp "$TMPDIR/prompt.md" "$HOME/prompt" && cmp "$HOME/prompt" "$TMPDIR/prompt.md" && echo same prompt ;;
    note) echo noted >> NOTES.md ;;
    fix) sed -i 's/then "\\(build\\|eval\\)" else "nothing"/then "nothing" else "nothing"/' flake.nix ;;
    fix:*) sed -i "/name = \\"\${1#fix:}\\"/,/};/s/then \\"build\\" else/then \\"nothing\\" else/" flake.nix ;;
    careless:*) case $prompt in *"breaks \${1#careless:}"*) ;; *) sed -i "/name = \\"\${1#careless:}\\"/,/};/s/else \\"nothing\\"/else \\"build\\"/" flake.nix ;; esac ;;
    fix-second) case $prompt in *"Attempt 1, which did not do"*noted*) sed -i 's/then "build" else/then "nothing" else/' flake.nix ;; *) echo noted >> NOTES.md ;; esac ;;
    nothing) echo there is nothing to do ;;
    fail) exit 3 ;;
    think) sleep 2 ;;
    hang) sleep 600 ;;
    stop) kill -STOP $$ ;;
    flood) while :; do echo "the same line, over and over again, until somebody ends it"; done ;;
    leave) setsid sh -c 'while :; do sleep 1; done' & setsid sh -c 'echo $$ > left-pid; exec sleep ${LEFT_ASLEEP}' & sleep 1; mv left-pid NOTES.md ;;
    lock) echo >> flake.lock ;;
    secrets) mkdir -p secrets && echo opened > secrets/wifi ;;
    push) git remote; git push origin HEAD:main; git push; echo pushed with $? ;;
    print-secret) echo "the token is $AGENT_TOKEN" ;;
    write-secret) echo "token = $AGENT_TOKEN" > token.nix ;;
    commit) echo mine > MINE.md && git add MINE.md && git commit -q -m 'A commit of its own' && git commit -q --allow-empty -m Another ;;
    link) ln -s /etc/passwd users ;;
    repository) git init -q sub && git -C sub -c user.name=a -c user.email=a@b commit -q --allow-empty -m x ;;
    filter) mkdir -p .git/info; printf '%s\\n' '* filter=evil' > .git/info/attributes; git config filter.evil.clean "touch $HOME/../ran; cat"; echo noted >> NOTES.md ;;
    flake-link) cat flake.nix > inner.nix; ln -sf "{ inputs = { }; outputs = x: { }; }" flake.nix ;;
    inner-inputs) sed -i 's/^{/{ inputs.more.url = "path:.\\/more";/' nix/flake.nix ;;
    inner-note) sed -i 's/^{/{ description = "noted";/' nix/flake.nix ;;
    inner-lock) echo >> nix/shared.lock ;;
    retarget) cp nix/flake.nix other.nix; ln -sf other.nix flake.nix ;;
    attributes) printf '%s\\n' '*.bin diff' > .gitattributes ;;
    binary) printf 'one\\000two' > logo.bin ;;
    ignore) mkdir -p sub; echo '*' > sub/.gitignore; printf '%s\\n' '.gitignore' > .gitignore ;;
    secret-name) echo '{ }' > "hosts-$AGENT_TOKEN.nix" ;;
    inputs) sed -i 's/^{/{ inputs.more.url = "path:.\\/more";/' flake.nix ;;
    home:*) cat "$HOME/\${1#home:}" && ! echo more 2>/dev/null >> "$HOME/\${1#home:}" && echo read-only ;;
    nix-config) sed -i 's/^{/{ nixConfig.sandbox = false;/' flake.nix ;;
    reach:*) node -e 'const [, host, port] = process.argv[1].split(":"); const s = require("node:net").connect({ host, port: Number(port), timeout: 3000 }); const say = (w) => { console.log(w + " " + host + ":" + port); process.exit(0); }; s.once("connect", () => say("reaches")).once("error", () => say("does not reach")).once("timeout", () => say("does not reach"));' "$1" ;;
    abstract:*) node -e 'const s = require("node:net").connect("\\0" + process.argv[1].slice(9)); s.once("connect", () => { console.log("reaches a socket"); process.exit(0); }).once("error", () => { console.log("does not reach a socket"); });' "$1" ;;
    resolver) cat /etc/resolv.conf ;;
    who) id -u; grep CapEff /proc/self/status ;;
    show:*) cat "\${1#show:}" || echo "cannot read \${1#show:}" ;;
    environment) env | sort ;;
    see:*) if [ -e "\${1#see:}" ]; then echo "sees \${1#see:}"; else echo "does not see \${1#see:}"; fi ;;
    write:*) if touch "\${1#write:}/written" 2>/dev/null; then echo "wrote to \${1#write:}"; else echo "cannot write to \${1#write:}"; fi ;;
    nix) nix eval --raw --expr '"nix gives " + toString (1 + 1)' && echo && nix-instantiate --expr 'derivation { name = "x"; builder = "/bin/sh"; system = "x86_64-linux"; }' ;;
    fork-bomb) (while :; do (sleep 30 &); done) 2>/dev/null; exec sleep 30 ;;
    memory-hog) node -e 'const all = []; setInterval(() => all.push(Buffer.alloc(10000000, 1)), 100); setTimeout(() => process.exit(), 30000);' ;;
    shared-hog) head -c 60000000 /dev/zero > /dev/shm/hog; sleep 30 ;;
    other-memory) for each in /dev/x /hog /root/x; do echo x 2>/dev/null > $each && echo "wrote to $each"; done; true ;;
    sparse) truncate -s 40G sparse.img || echo "cannot make a sparse file" ;;
    fill) head -c 60000000 /dev/zero > zeros; sleep 30 ;;
    many:*) mkdir many && cd many && seq -f %0100.0f "\${1#many:}" | xargs touch && cd .. ;;
    deep:*) node -e 'for (let i = 0; i < Number(process.argv[1].slice(5)); i += 1) { require("node:fs").mkdirSync("a-folder"); process.chdir("a-folder"); }' "$1" ;;
    shut) mkdir -p shut/inner shut/other && echo x > shut/inner/file && chmod 000 shut/inner/file shut/inner shut/other shut ;;
    special) mkfifo pipe; rm MINE.md 2>/dev/null; mkfifo MINE.md; ln -s loop loop; node -e 'const s = require("node:net").createServer().listen("socket", () => process.exit(0))' ;;
    bytes) node -e 'require("node:fs").writeFileSync(Buffer.from("a\\nb\\xff.nix".replace("\\\\n", "\\n"), "latin1"), "{ }")' ;;
    gits:*) node -e 'for (let i = 0; i < Number(process.argv[1].slice(5)); i += 1) require("node:fs").mkdirSync("g/" + "x".repeat(100) + i + "/.git", { recursive: true });' "$1" ;;
    cache) mkdir -p .cache/deep other; for each in .cache .cache/deep; do echo '*' > $each/.gitignore; done; echo noted >> NOTES.md ;;
    other-cache) mkdir -p other; echo '*' > other/.gitignore; echo noted >> NOTES.md ;;
    huge-ignore) truncate -s 2G .gitignore; echo noted >> NOTES.md ;;
    huge-text) node -e 'require("node:fs").writeFileSync("huge.nix", "# some words\\n".repeat(5000000))' ;;
    huge-line) node -e 'require("node:fs").writeFileSync("line.nix", "(".repeat(12000000))' ;;
    open-parentheses) node -e 'require("node:fs").writeFileSync("flake.nix", "(".repeat(3000000))' ;;
    wait) echo it waits; until [ -e "$TMPDIR/go" ]; do sleep 0.1; done ;;
    *) echo "no such behaviour: $1" >&2; exit 64 ;;
  esac
  shift
done
`;

/** Where no sandbox can be connected to the outside, agents of tests share the machine's network. */
const NETWORK = ['slirp4netns', 'ip', 'nsenter', 'bwrap'].every((program) =>
  (process.env.PATH ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, program))),
)
  ? 'outside'
  : 'host';

/** Builders of tests use what lies outside of Nix's sandbox, in which an agent's change is built unless the owner says otherwise. */
export const BUILT_OUTSIDE = ['--nix-option', 'sandbox', 'false'] as const;

/** Lets builders of tests find a shell in Nix's sandbox: of most machines, which are no NixOS. */
export const WITH_SHELL = ['sandbox-paths', '/bin=/usr/bin /usr /lib=/usr/lib /lib64=/usr/lib64'] as const;

/** Writes the program to a folder; gives its path. */
export async function writeAgent(folder: string): Promise<string> {
  const file = path.join(folder, 'test-agent');
  await writeFile(file, PROGRAM);
  await chmod(file, 0o755);
  return file;
}

export const agentOptions = (
  command: string,
  behaviour: readonly string[],
  change: Partial<AutofixOptions> = {},
): WholeAgent => ({
  command,
  args: behaviour,
  envFile: null,
  homePaths: [],
  network: NETWORK,
  nixDaemon: false,
  maxAttempts: 3,
  timeoutSeconds: 60,
  rules: { protected: ['secrets/**', '*.age'], maxFiles: 5, maxLines: 50 },
  ...change,
});

/**
 * The candidate that an agent's change to a place makes: a commit on top of main that no branch has.
 * @param files what it writes, each for everybody to start
 */
export async function changedBy(
  place: Pick<Place, 'checkout' | 'base'>,
  files: Readonly<Record<string, string>>,
): Promise<Candidate> {
  const { checkout, base } = place;
  const head = await commitFiles(checkout, files, 'fix(athena): work with the updated inputs');
  const bundle = path.join(checkout, '.git', 'change.bundle');
  await git(checkout, 'bundle', 'create', '--quiet', '--version=2', bundle, 'HEAD', `^${base}`);
  await git(checkout, 'reset', '--quiet', '--hard', base);
  return { base, head, bundle: (await readFile(bundle)).toString('base64') };
}

const PERSON = { name: 'Lockkeeper', email: 'lockkeeper@localhost' };

/** The input of an attempt at a place, by an agent that behaves so. */
export async function attemptInput(
  place: Place,
  behaviour: readonly string[],
  change: Partial<AutofixOptions> = {},
): Promise<AttemptInput> {
  const command = await writeAgent(place.root);
  return {
    run: 'run-1',
    repository: place.repository,
    candidate: { base: place.base, head: place.base, bundle: '' },
    target: { kind: 'nixos', name: 'athena' },
    attempt: 1,
    agent: agentOptions(command, behaviour, change),
    prompt: 'Fix athena.\n',
    message: 'fix(athena): work with the updated inputs\n',
    author: PERSON,
    committer: PERSON,
    date: 1_790_000_000,
    takeoverSeconds: 60,
  };
}
