import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

type Close = () => unknown;

/** How long something is needed: for one test (its `TestContext`), or for all tests of a file. */
export interface Scope {
  after(close: () => Promise<void>): void;
}

export const wholeFile: Scope = { after };

const open = new WeakMap<Scope, Close[]>();

/** Has something closed at the end of a scope. What was opened last is closed first, and a close that fails stops no other. */
export function atEndOf(scope: Scope, close: Close): void {
  const before = open.get(scope);
  if (before !== undefined) {
    before.push(close);
    return;
  }
  const all = [close];
  open.set(scope, all);
  scope.after(async () => {
    const failures: unknown[] = [];
    for (const each of all.reverse())
      try {
        await each();
      } catch (error) {
        failures.push(error);
      }
    if (failures.length > 0) throw failures[0];
  });
}

/** Makes a folder for temporary files that is removed at the end of a scope. */
export async function withFolder(scope: Scope): Promise<string> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'lockkeeper-test-')));
  atEndOf(scope, () => rm(folder, { recursive: true, force: true }));
  return folder;
}
