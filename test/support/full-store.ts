/** A build on a store without room for it: a test that `runPrivately` runs in a namespace with such a store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempt } from './build-runner.js';
import { PLAIN_NIX, withEvaluator } from './evaluator.js';

/** Hosts of 60 MB. The builder of the second one takes away what it could not finish, as compilers do. */
const FLAKE = `{
  outputs = _: {
    nixosConfigurations = builtins.mapAttrs (name: otherwise: { config.system.build.toplevel = derivation {
      inherit name;
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [ "-c" "i=0; while [ $i -lt 60 ]; do i=$((i + 1)); printf '%01000000d' $i || { \${otherwise}; exit 1; }; done > $out" ];
    }; }) {
      big = ":";
      tidy = "/bin/sleep 2; /bin/rm $out; echo No space left on device >&2";
    };
  };
}
`;
const NO_INPUTS = '{"nodes":{"root":{}},"root":"root","version":7}\n';

test('a build that the disk has no room for is a fault of the machine, to be tried again', () =>
  withEvaluator({ hosts: [{ name: 'x' }] }, async ({ fleet, env, repository, evaluate }) => {
    const head = await fleet.pushToMain({ 'flake.nix': FLAKE, 'flake.lock': NO_INPUTS });
    const candidate = { base: head, head, bundle: '' };
    // What the other one leaves stays until garbage is collected.
    for (const name of ['tidy', 'big']) {
      const evaluation = await evaluate(candidate, name);
      if (evaluation.kind === 'failed') assert.fail(evaluation.verdict.logTail ?? 'failed');
      const build = attempt(env, {
        ...{ repository, candidate, evaluation, nix: PLAIN_NIX, run: 'run-1', takeoverSeconds: 60 },
        target: { kind: 'nixos', name },
      });
      await assert.rejects(
        build.verdict,
        (error: Error & { readonly type?: string; readonly nonRetryable?: boolean }) => {
          assert.deepEqual([error.type, error.nonRetryable], ['BuildInfrastructure', false]);
          assert.match(error.message, /^The machine, not the build, failed: no space left/);
          return true;
        },
      );
    }
  }));
