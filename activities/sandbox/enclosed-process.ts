import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { writeWhole } from '../../host/files.js';
import { enclose, enclosedFiles, type EnclosedOrder } from './enclose.js';
import { endLeftovers } from './leftovers.js';
import { startEnclosed } from './start-enclosed.js';
import { Unusable } from './unusable.js';

/**
 * The program that runs one enclosed command under a supervisor: `enclosed-process.js FOLDER`. What the command says goes where
 * this process's own output goes, and its status is the command's. Whatever it leaves behind is ended.
 */
async function main(directory: string): Promise<number> {
  const files = enclosedFiles(directory);
  try {
    return await carryOut(JSON.parse(await readFile(files.order, 'utf8')) as EnclosedOrder);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    await writeWhole(files.unusable, error.message);
    return 1;
  } finally {
    await endLeftovers(directory);
  }
}

async function carryOut({ before, ...wanted }: EnclosedOrder): Promise<number> {
  const enclosed = await enclose(wanted);
  const made = before === undefined ? 0 : await runBefore(before);
  if (made !== 0) return made;
  const { end, ended } = startEnclosed(enclosed, 'inherit');
  // The supervisor was asked to end.
  process.once('SIGTERM', () => void end().then(() => process.exit(1)));
  const [code, signal, over] = await ended();
  if (over === null) return statusOf(code, signal);
  process.stderr.write(`error: the command ${over}\n`);
  return 1;
}

/** Nix ends its builders when it is asked to end, and whoever asks this process asks all below it. */
const runBefore = ([program, ...args]: readonly [string, ...string[]]): Promise<number> =>
  new Promise((resolve, reject) => {
    spawn(program, args, { stdio: 'inherit' })
      .once('error', reject)
      .once('exit', (code, signal) => {
        resolve(statusOf(code, signal));
      });
  });

const statusOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

process.exit(await main(process.argv[2] ?? ''));
