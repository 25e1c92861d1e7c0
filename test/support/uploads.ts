import assert from 'node:assert/strict';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createUploadClosure } from '../../activities/caches/upload-closure.js';
import { run, type Finished } from '../../activities/command/process.js';
import type { Cache } from '../../model/caches/types.js';
import type { UploadHeartbeat, UploadInput, UploadResult } from '../../model/contract/verification.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { atEndOf, withFolder, type Scope } from './scope.js';

/** What of an upload differs from one to the next. */
type Uploaded = Partial<UploadInput> & Pick<UploadInput, 'outPath'>;

/** Uploads of one machine, without a server. */
export interface Uploads {
  /** A path that refers to another one; nobody has built them before. */
  build(name: string, text?: string): Promise<{ readonly outPath: string }>;
  /** The same where the first one fails. */
  buildBroken(name: string): Promise<{ readonly drvPath: string; readonly outPath: string }>;
  /** Uploads as a new run. @param told heartbeats */
  upload(cache: Partial<Cache>, what: Uploaded, told?: (heartbeat: UploadHeartbeat) => void): Promise<UploadResult>;
  /** Copies as a person would, with what Nix remembers. */
  copyPlainly(to: string, outPath: string): Promise<void>;
}

const expression = (tag: string, name: string, text: string, ending = ''): string => `
  let make = name: text: ending: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" "echo \${text} > $out\${ending}" ];
  };
  in make "top-${name}-${tag}" "\${make "below-${name}-${tag}" "${text}" ""}" "${ending}"`;

/**
 * @param variables of this process, for as long as the scope lasts
 * @param silenceMs how long a program may say nothing; default: as a worker has it
 */
export async function withUploads(
  scope: Scope,
  variables: Readonly<Record<string, string>> = {},
  silenceMs?: number,
): Promise<Uploads> {
  const state = await withFolder(scope);
  const before = { ...process.env };
  Object.assign(process.env, variables);
  atEndOf(scope, () => {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  });
  const machine = { state: stateDirectory(state), machine: 'machine', hostName: 'host' };
  const tag = path
    .basename(state)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
  const nix = (program: string, ...args: readonly string[]): Promise<Finished> =>
    run(program, args, { env: { ...process.env, XDG_CACHE_HOME: path.join(state, 'cache') } });
  const alone = ['--option', 'substitute', 'false'];
  let runs = 0;
  return {
    build: async (name, text = 'below') => {
      const built = await nix('nix-build', '--no-out-link', ...alone, '-E', expression(tag, name, text));
      assert.equal(built.exitCode, 0, built.stderr);
      return { outPath: built.stdout.trim() };
    },
    buildBroken: async (name) => {
      const made = await nix('nix-instantiate', '-E', expression(tag, name, 'below', '; exit 1'));
      const drvPath = made.stdout.trim();
      const outPath = (await nix('nix-store', '--query', '--outputs', drvPath)).stdout.trim();
      assert.notEqual((await nix('nix-store', '--realise', ...alone, drvPath)).exitCode, 0);
      return { drvPath, outPath };
    },
    upload: (cache, what, told) => {
      runs += 1;
      const input: UploadInput = {
        ...{ run: `run-${runs}`, head: 'a'.repeat(40), target: { kind: 'nixos', name: 'athena' }, uploads: 2 },
        cache: { to: '', required: true, priority: 1, ...cache },
        nix: { options: [], impure: false, acceptFlakeConfig: false },
        takeoverSeconds: 60,
        ...what,
      };
      const environment = new MockActivityEnvironment();
      if (told !== undefined) environment.on('heartbeat', told);
      return environment.run(createUploadClosure(machine, silenceMs), input);
    },
    copyPlainly: async (to, outPath) => {
      const copied = await nix('nix', '--extra-experimental-features', 'nix-command', 'copy', '--to', to, outPath);
      assert.equal(copied.exitCode, 0, copied.stderr);
    },
  };
}
