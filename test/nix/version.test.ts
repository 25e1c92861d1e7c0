import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { nixVersion } from '../../activities/nix/version.js';
import { failure } from '../support/failure.js';

test('Nix that is absent or too old is named with the way out, and found once it is there', async () => {
  const before = process.env.PATH;
  const bin = await mkdtemp(path.join(tmpdir(), 'lockkeeper-path-'));
  try {
    process.env.PATH = bin;
    assert.match((await failure(nixVersion(), 'NixUnusable')).message, /no `nix` on the PATH.*install Nix 2\.8/);
    // What a Nix that can no longer be had would answer.
    await writeFile(path.join(bin, 'nix'), '#!/bin/sh\necho "nix (Nix) 2.3.16"\n');
    await chmod(path.join(bin, 'nix'), 0o755);
    assert.match((await failure(nixVersion(), 'NixUnusable')).message, /nix \(Nix\) 2\.3\.16 is too old/);
    process.env.PATH = before;
    assert.ok((await nixVersion()).minor >= 8);
  } finally {
    process.env.PATH = before;
    await rm(bin, { recursive: true, force: true });
  }
});
