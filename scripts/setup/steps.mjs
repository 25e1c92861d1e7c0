/** What the steps of the set-up share: talking, running commands, finding programs. */
import console from 'node:console';
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** Programs that the set-up got for this project alone. */
export const TOOLS = path.join(ROOT, '.cache', 'tools');

/** Thrown by a step that cannot get its thing; the message says why and what the person can do. */
export class Unavailable extends Error {}

/** Messages go to standard error: standard output belongs to the program that comes after the set-up. */
export const say = (what, text) => console.error(`${what.padEnd(14)} ${text}`);
export const warn = (text) => console.error(text);

export const isRoot = () => process.getuid?.() === 0;

/**
 * Runs a command. With `loud` its output goes to standard error as it comes, otherwise it is returned.
 * A command that does not exist ends with status 127 as in a shell; nothing is thrown.
 */
export function run(command, args, { loud = false, env = {}, cwd = ROOT } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', loud ? 2 : 'pipe', loud ? 2 : 'pipe'],
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ status: 127, output: error.message }));
    child.on('close', (status) => resolve({ status: status ?? 1, output: output.trim() }));
  });
}

/** Absolute path of a program on the PATH, or `null`. */
export async function onPath(name) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    if (path.isAbsolute(folder) && (await isProgram(path.join(folder, name)))) return path.join(folder, name);
  }
  return null;
}

export async function isProgram(file) {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** First line of `PROGRAM --version`; `null` when it does not run. */
export async function versionOf(program, args = ['--version']) {
  const { status, output } = await run(program, args);
  return status === 0 ? (output.split('\n')[0] ?? '') : null;
}

/** The last lines of a command's output, for an error message. */
export const lastLines = (output, count = 3) => output.split('\n').slice(-count).join('\n');
