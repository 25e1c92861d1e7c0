#!/usr/bin/env node
/** `npm run build`: the build step of the set-up alone. */
import process from 'node:process';
import { build } from './setup/build.mjs';
import { say, Unavailable, warn } from './setup/steps.mjs';

try {
  say('build', await build());
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  warn(error.message);
  process.exitCode = 1;
}
