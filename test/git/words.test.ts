import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pushRefusal } from '../../activities/git/push-refusal.js';
import { gitCause, gitFault, remoteFault } from '../../model/git/words.js';

const CORRECT_ACCESS = 'Please make sure you have the correct access rights\nand the repository exists.';
const NOT_READ = `fatal: Could not read from remote repository.\n\n${CORRECT_ACCESS}\n`;

test('only what is known to pass is tried again: names, connections, busy servers, and this machine’s own shortages', () => {
  const passing = [
    "fatal: unable to access 'https://forge.example/x/': Could not resolve host: forge.example",
    `ssh: Could not resolve hostname forge.example: Temporary failure in name resolution\n${NOT_READ}`,
    `ssh: connect to host forge.example port 22: Connection refused\n${NOT_READ}`,
    `ssh: connect to host forge.example port 22: No route to host\n${NOT_READ}`,
    `kex_exchange_identification: read: Connection reset by peer\n${NOT_READ}`,
    `Connection closed by 192.0.2.1 port 22\n${NOT_READ}`,
    "fatal: unable to access 'https://forge.example/x/': Failed to connect to forge.example port 443: Connection timed out",
    "fatal: unable to access 'https://forge.example/x/': The requested URL returned error: 503",
    "fatal: unable to access 'https://forge.example/x/': The requested URL returned error: 429",
    "fatal: unable to access 'https://forge.example/x/': gnutls_handshake() failed: Error in the pull function.",
    "fatal: unable to access 'https://forge.example/x/': OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to forge.example:443",
    'error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF',
    'error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502',
    'fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output',
    'remote: The repository is temporarily read-only. Please try again later.\nfatal: the remote end hung up unexpectedly',
    'fatal: the remote end hung up unexpectedly',
    NOT_READ,
    'fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output',
    'error: cannot fork() for index-pack: Cannot allocate memory',
    "fatal: Unable to create '/state/mirrors/x.git/packed-refs.lock': File exists.",
    '',
  ];
  for (const said of passing) assert.ok(['network', 'machine'].includes(gitFault(said)), `${gitFault(said)}: ${said}`);
  assert.equal(gitFault('fatal: write error: No space left on device'), 'machine');
});

test('what is not known, and every refusal, is told at once with the way out that fits', () => {
  const lasting: readonly (readonly [said: string, fault: string, way: RegExp])[] = [
    [`git@forge.example: Permission denied (publickey).\n${NOT_READ}`, 'access', /--ssh-key-file/],
    [
      `Permission denied (publickey).\nkex_exchange_identification: Connection closed by remote host\n${NOT_READ}`,
      'access',
      /--ssh-key-file/,
    ],
    [`ERROR: Repository not found.\n${NOT_READ}`, 'access', /--https-token-file/],
    ["fatal: unable to access 'https://forge.example/x/': The requested URL returned error: 403", 'access', /token/],
    [
      "remote: The project you were looking for could not be found\nfatal: repository 'https://forge.example/x/' not found",
      'access',
      /URL/,
    ],
    [`Host key verification failed.\n${NOT_READ}`, 'host-key', /--known-hosts-file/],
    [
      "fatal: unable to access 'https://forge.example/x/': SSL certificate problem: self-signed certificate",
      'certificate',
      /http\.sslCAInfo/,
    ],
    [
      "fatal: detected dubious ownership in repository at '/srv/x.git'\nTo add an exception for this directory, call:\n\n\tgit config --global --add safe.directory /srv/x.git\n" +
        NOT_READ,
      'other-owner',
      /git config --global --add safe\.directory \/srv\/x\.git$/,
    ],
    [
      'error: object ae6ba96cf4ba4c914ce96aaed0d0a272aaf62688: missingEmail: invalid author/committer line - missing email\nfatal: fsck error in packed object\nfatal: fetch-pack: invalid index-pack output',
      'damaged-object',
      /object ae6ba96c.*fetch\.fsckObjects.*git config --global fetch\.fsck\.missingEmail ignore/,
    ],
    ['fatal: mismatched algorithms: client sha1; server sha256', 'object-format', /SHA-1 repository/],
    [
      'fatal: ref updates aborted by hook\nfatal: the remote end hung up unexpectedly',
      'transaction',
      /reference-transaction hook/,
    ],
    [
      'fatal: the receiving end does not support push options\nfatal: the remote end hung up unexpectedly',
      'push-options',
      /push\.pushOption/,
    ],
    ["fatal: transport 'file' not allowed", 'transport', /protocol\.\*\.allow/],
    ['fatal: something that no version has said so far', 'unknown', /git ls-remote/],
  ];
  for (const [said, fault, way] of lasting) {
    const found = remoteFault(said, { name: 'forge.example/x', local: false });
    assert.equal(found.fault, fault, said);
    assert.equal(found.passes, false, said);
    assert.match(found.message, way);
  }
  const folder = remoteFault("fatal: '/srv/x' does not appear to be a git repository", { name: '/srv/x', local: true });
  assert.equal(folder.type, 'NotAGitRepository');
});

test('the cause is found behind greetings, warnings and banners, and before what says the least', () => {
  const causes: readonly (readonly [said: string, cause: string])[] = [
    [
      `Warning: Permanently added 'forge.example' (ED25519) to the list of known hosts.\nfatal: '/x.git' does not appear to be a git repository\n${NOT_READ}`,
      "'/x.git' does not appear to be a git repository",
    ],
    [
      `** WARNING: connection is not using a post-quantum key exchange algorithm.\nWelcome to the forge!\ngit@forge.example: Permission denied (publickey).\n${NOT_READ}`,
      'git@forge.example: Permission denied (publickey)',
    ],
    [
      "fatal: detected dubious ownership in repository at '/x'\nTo add an exception for this directory, call:\n\n\tgit config --global --add safe.directory /x\n",
      "detected dubious ownership in repository at '/x'",
    ],
    [
      "remote: you may not read this\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
      'you may not read this',
    ],
    [
      "fatal: unable to access 'https://x/': Could not resolve host: x",
      "unable to access 'https://x/': Could not resolve host: x",
    ],
    ['fatal: the remote end hung up unexpectedly', 'the remote end hung up unexpectedly'],
  ];
  for (const [said, cause] of causes) assert.equal(gitCause(said), cause);
});

const REJECTED = (why: string): string => `[remote rejected] (${why})`;
const DECLINED = REJECTED('pre-receive hook declined');

test('a rule of a forge is a rule, with landing by branch as the way out, and not a lack of access', () => {
  const rules = [
    `remote: error: GH006: Protected branch update failed for refs/heads/main.\nremote: error: Changes must be made through a pull request.\n${REJECTED('protected branch hook declined')}`,
    `remote: error: GH013: Repository rule violations found for refs/heads/main.\nremote: - Changes must be made through a pull request.\n${REJECTED('push declined due to repository rule violations')}`,
    `remote: error: GH006: Protected branch update failed for refs/heads/main.\nremote: error: Required status check "ci" is expected.\n${REJECTED('protected branch hook declined')}`,
    `remote: GitLab: You are not allowed to push code to protected branches on this project.\n${DECLINED}`,
    `remote: Gitea: Not allowed to push to protected branch main\n${DECLINED}`,
    `remote: Forgejo: Not allowed to push to protected branch main\n${DECLINED}`,
    REJECTED('TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.'),
    `remote: Permission denied to update branch main.\n${DECLINED}`,
    `remote: Branch refs/heads/main can only be modified through pull requests.\n${DECLINED}`,
    `remote: error: branch refs/heads/main:\nremote: Push to refs/for/main to create a review, or get 'Push' rights to update the branch.\n${REJECTED('prohibited by Gerrit: not permitted: update')}`,
    `remote: GitLab: Commit message does not follow the pattern '^JIRA-'\n${DECLINED}`,
    REJECTED('hook declined'),
  ];
  for (const said of rules) {
    const refused = pushRefusal(said, true, true);
    assert.equal(refused?.type, 'PushRejected', said);
    assert.match(refused.way, /--land branch.*pull request/, said);
    assert.match(pushRefusal(said, true, false)?.way ?? '', /--branch-prefix/);
  }
});

test('signed commits, persons, workflows, storage and write access each have a way out of their own', () => {
  const found: readonly (readonly [said: string, received: boolean, type: string, way: RegExp])[] = [
    [
      `remote: - Commits must have verified signatures.\n${REJECTED('push declined due to repository rule violations')}`,
      true,
      'PushRejected',
      /unsigned.*squash/,
    ],
    [`remote: GitLab: Commit must be signed with a GPG key\n${DECLINED}`, true, 'PushRejected', /unsigned/],
    [`remote: Gitea: branch main is protected from unverified commit\n${DECLINED}`, true, 'PushRejected', /unsigned/],
    [
      `remote: GitLab: Committer's email 'x' does not follow the pattern '@y$'\n${DECLINED}`,
      true,
      'PushRejected',
      /--author and --committer/,
    ],
    [
      `remote: ERROR: commit abc: email address x is not registered in your account\n${REJECTED('invalid committer')}`,
      true,
      'PushRejected',
      /--committer/,
    ],
    [
      REJECTED(
        'refusing to allow an OAuth App to create or update workflow `.github/workflows/x.yml` without `workflow` scope',
      ),
      true,
      'RemoteReadOnly',
      /workflows/,
    ],
    [`remote: Forgejo: User permission denied for writing.\n${DECLINED}`, true, 'RemoteReadOnly', /write access/],
    [
      `remote: GitLab: You are not allowed to push code to this project.\n${DECLINED}`,
      true,
      'RemoteReadOnly',
      /write access/,
    ],
    [
      "remote: TF401027: You need the Git 'GenericContribute' permission to perform this action.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
      false,
      'RemoteReadOnly',
      /write access/,
    ],
    [
      `ERROR: The key you are authenticating with has been marked as read only.\n${NOT_READ}`,
      false,
      'RemoteReadOnly',
      /write access/,
    ],
    [
      "remote: Permission to o/r.git denied to somebody.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
      false,
      'RemoteReadOnly',
      /write access/,
    ],
    [
      'error: remote unpack failed: unable to create temporary object directory\n[remote rejected] (unpacker error)',
      true,
      'RemoteReadOnly',
      /storage/,
    ],
    [
      'refusing to update checked out branch: refs/heads/main\n[remote rejected] (branch is currently checked out)',
      true,
      'PushRejected',
      /bare repository/,
    ],
    [
      'fatal: ref updates aborted by hook\nfatal: the remote end hung up unexpectedly',
      false,
      'PushRejected',
      /reference-transaction hook/,
    ],
  ];
  for (const [said, received, type, way] of found) {
    const refused = pushRefusal(said, received, true);
    assert.equal(refused?.type, type, said);
    assert.match(refused.way, way, said);
  }
  assert.equal(pushRefusal(`ssh: connect to host x port 22: Connection refused\n${NOT_READ}`, false, true), null);
  assert.equal(pushRefusal(`ERROR: Repository not found.\n${NOT_READ}`, false, true), null);
});
