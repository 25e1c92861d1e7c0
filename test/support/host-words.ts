/** Hosts whose own errors sound like a machine in trouble: a test that `runPrivately` runs with each version of Nix. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempt } from './build-runner.js';
import { PLAIN_NIX, withEvaluator } from './evaluator.js';

const WORDS = [
  'No space left on device',
  'Read-only file system',
  'Connection refused',
  "error: SQLite database 'x' is busy",
];

/** For each of the words, a host that throws them, one in whose error Nix quotes them, and one whose builder prints them. */
const FLAKE = `{
  outputs = _: let
    words = builtins.fromJSON ''${JSON.stringify(WORDS)}'';
    system = script: { config.system.build.toplevel = derivation {
      name = "nixos-system-x";
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [ "-c" script ];
    }; };
    each = f: builtins.listToAttrs (builtins.concatLists (builtins.genList (n: f (toString n) (builtins.elemAt words n)) ${WORDS.length}));
  in {
    nixosConfigurations = each (n: said: [
      { name = "throws-\${n}"; value = system (throw "services.x: \${said}"); }
      { name = "fails-\${n}"; value = system (builtins.getAttr said { }); }
      { name = "prints-\${n}"; value = system ''echo "test failed: \${said}" >&2; exit 1''; }
    ]);
  };
}
`;
const NO_INPUTS = '{"nodes":{"root":{}},"root":"root","version":7}\n';

test('what a host throws or its builder prints is a verdict at once, whatever the words', () =>
  withEvaluator({ hosts: [{ name: 'x' }] }, async ({ fleet, env, repository, evaluate }) => {
    const head = await fleet.pushToMain({ 'flake.nix': FLAKE, 'flake.lock': NO_INPUTS });
    const candidate = { base: head, head, bundle: '' };
    for (const [index, words] of WORDS.entries()) {
      for (const how of ['throws', 'fails']) {
        const thrown = await evaluate(candidate, `${how}-${index}`);
        assert.equal(thrown.kind, 'failed', words);
        assert.equal(thrown.verdict.verdict, 'evaluation-failed');
        assert.ok(thrown.verdict.error?.includes(words), thrown.verdict.error ?? '');
      }
      const evaluation = await evaluate(candidate, `prints-${index}`);
      if (evaluation.kind === 'failed') assert.fail(evaluation.verdict.logTail ?? 'failed');
      const { verdict } = attempt(env, {
        ...{ repository, candidate, evaluation, nix: PLAIN_NIX, run: 'run-1', takeoverSeconds: 60 },
        target: { kind: 'nixos', name: `prints-${index}` },
      });
      const built = await verdict;
      assert.equal(built.verdict, 'build-failed');
      assert.ok(built.logTail?.includes(words), built.logTail ?? '');
    }
  }));
