import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';

/** Writes a file so that a reader sees the old text or the new one, never a part. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const next = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  await writeFile(next, text, { mode: 0o600 });
  await rename(next, path);
}

/** Reads a JSON file that this program wrote; `null` when it is missing or was cut off. */
export async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return null;
  }
}
