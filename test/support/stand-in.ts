import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Puts a script in the place of a command on the PATH of this process and of what it starts.
 * @param script for `sh`; in it the PATH is that of before, with the real command
 */
export async function withStandIn(command: string, script: string, use: () => Promise<unknown>): Promise<void> {
  const bin = await mkdtemp(path.join(tmpdir(), 'lockkeeper-bin-'));
  const { PATH = '' } = process.env;
  await writeFile(path.join(bin, command), `#!/bin/sh\nPATH='${PATH}'\n${script}\n`, { mode: 0o755 });
  process.env.PATH = `${bin}:${PATH}`;
  try {
    await use();
  } finally {
    process.env.PATH = PATH;
    await rm(bin, { recursive: true });
  }
}
