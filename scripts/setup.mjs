#!/usr/bin/env node
/**
 * Gets everything that Lockkeeper needs on this machine, and builds it: `node scripts/setup.mjs [--tests] [--no-build]`.
 * Plain Node without packages, because it runs before there are any. Running it again only looks whether all is there.
 * `--tests` also gets what only tests use (newer Nix versions, an ntfy and a Gitea server); what of these cannot be had is a warning.
 */
import process from 'node:process';
import { build } from './setup/build.mjs';
import { git, nix } from './setup/system-packages.mjs';
import { npmPackages } from './setup/npm-packages.mjs';
import { say, Unavailable, warn } from './setup/steps.mjs';
import { temporalCli } from './setup/temporal-cli.mjs';
import { testTools } from './setup/test-tools.mjs';

const wanted = new Set(process.argv.slice(2));
for (const option of wanted) {
  if (option === '--tests' || option === '--no-build') continue;
  warn(`unknown option ${option}; usage: node scripts/setup.mjs [--tests] [--no-build]`);
  process.exit(1);
}

/** All tools are looked for even when one is missing, so that one message names everything that is left to do. */
const tools = [
  ['npm packages', npmPackages],
  ['Git', git],
  ['Nix', nix],
  ['Temporal CLI', temporalCli],
];
const missing = [];
for (const [name, step] of tools) await attempt(name, step);
if (missing.length === 0 && !wanted.has('--no-build')) await attempt('build', build);
if (missing.length === 0 && wanted.has('--tests')) await testTools();

if (missing.length > 0) {
  warn('\nSet-up is not complete. What could not be had:');
  for (const { name, reason } of missing) warn(`  ${name}: ${reason}`);
  warn('Then run the same command again: it goes on where it stopped.');
  process.exitCode = 1;
}

/** Runs one step and says what it found; what it could not get is remembered for the end. */
async function attempt(name, step) {
  try {
    say(name, await step());
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    missing.push({ name, reason: error.message });
    say(name, 'not available');
  }
}
